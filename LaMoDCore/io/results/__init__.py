"""Result files: what `lamod predict` writes, one folder per heart."""

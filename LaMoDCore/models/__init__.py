"""Model folders: load, save, register, describe."""

"""Result files and the nodes made from them."""

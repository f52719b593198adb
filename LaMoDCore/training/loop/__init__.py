"""The training loop: stages, losses, optimiser steps, checkpoints, early stopping."""

"""PyTorch: checkpoints read without pickle, state_dicts by order and shape, whole modules that state themselves."""

"""Keras: whole models from their configuration, and weights alone from names and shapes."""

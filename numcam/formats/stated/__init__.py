"""Chains that somebody states, layer by layer: a whole module, another tool's file, a line of words."""

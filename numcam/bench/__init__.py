"""Speed, measured where it will be used: numcam's two engines, and PyTorch beside them in the same run."""

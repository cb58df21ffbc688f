"""Files of older tools: NumPy, MatConvNet, Caffe."""

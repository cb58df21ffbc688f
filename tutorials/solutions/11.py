"""Page 11: change one rule."""

import numpy as np

import numcam


def guided_relu_backward(dout, x):
    """The gradient passes where both the input and the gradient are positive."""
    return np.where((x > 0) & (dout > 0), dout, 0)


def deconvnet_relu_backward(dout, x):
    """The gradient passes where the gradient is positive, whatever the input was."""
    return np.where(dout > 0, dout, 0)


def guided_grad_cam(trace, target, layer="relu5_3"):
    """Guided backpropagation times enlarged Grad-CAM: (n, 3, rows, cols), signed."""
    guided = trace.backward(target, {numcam.ReLU: guided_relu_backward})["input"]
    gradient = trace.backward(target, stop=layer)[layer]  # Grad-CAM's weights take the plain derivative
    weights = gradient.mean(axis=(2, 3), keepdims=True)
    cam = np.maximum((weights * trace[layer]).sum(axis=1), 0)
    return guided * numcam.upsample(cam, guided.shape[2:])[:, None]


if __name__ == "__main__":
    classifier = numcam.load()
    scene = numcam.scenes.draw(14, objects=2, names=("cat", "dog"))
    trace = classifier.forward(classifier.preprocess(scene.image))
    cat = classifier.index("cat")
    for name, rule in (("guided", guided_relu_backward), ("deconvnet", deconvnet_relu_backward)):
        pixels = trace.backward(cat, {numcam.ReLU: rule})["input"]
        on = np.abs(pixels[0]).sum(axis=0)
        shares = {thing.name: f"{on[thing.mask].sum() / on.sum():.0%}" for thing in scene.objects}
        print(f"{name:9} gradient for cat lies on {shares}")
    on = np.abs(guided_grad_cam(trace, cat)[0]).sum(axis=0)
    print(f"guided Grad-CAM for cat lies on { {t.name: f'{on[t.mask].sum() / on.sum():.0%}' for t in scene.objects} }")

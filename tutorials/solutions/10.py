"""Page 10: ask each channel how much it matters."""

import numpy as np

import numcam


def grad_cam_weights(gradient):
    """Equation 1: the mean over the places, (n, k, rows, cols) -> (n, k)."""
    return gradient.mean(axis=(2, 3))


def grad_cam(trace, target, layer="relu5_3"):
    """Equations 1 and 2: (n, rows, cols)."""
    activations = trace[layer]  # (n, k, rows, cols)
    gradient = trace.backward(target, stop=layer)[layer]  # of the logit
    weights = grad_cam_weights(gradient)  # (n, k)
    weighted = weights[:, :, None, None] * activations
    return np.maximum(weighted.sum(axis=1), 0)  # the ReLU comes last


if __name__ == "__main__":
    classifier = numcam.load()
    scene = numcam.scenes.draw(14, objects=2, names=("cat", "dog"))
    trace = classifier.forward(classifier.preprocess(scene.image))
    for name in ("cat", "dog"):
        for layer in ("relu5_3", "pool5"):
            cam = grad_cam(trace, classifier.index(name), layer)[0]
            place = np.array(np.unravel_index(cam.argmax(), cam.shape)) / cam.shape
            print(f"{name} at {layer}: {cam.shape}, maximum {place[0]:.0%} down, {place[1]:.0%} across")

"""Page 12: push the picture over the edge."""

import numpy as np

import numcam


def logits_of(classifier, pixels):
    """The network's answer to pixels (n, 3, rows, cols) in 0-255, as a trace."""
    return classifier.forward(classifier.preprocessing.forward(pixels))


def fgsm(classifier, pixels, label, epsilon):
    """Every pixel value moves by epsilon grey levels in the direction that raises the loss of `label`."""
    trace = logits_of(classifier, pixels)
    logits = trace.output.astype(np.float64)  # in float32 p - onehot is 0 once p rounds to 1
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), label] = 0
    p[np.arange(len(p)), label] = -p.sum(axis=1)  # p - onehot, without the rounding of p - 1
    p /= np.abs(p).max(axis=1, keepdims=True)  # a positive factor, which the sign does not see
    gradient = classifier.pixel_gradient(trace.backward(p)["input"])  # back to RGB pixels
    return np.clip(pixels + epsilon * np.sign(gradient), 0, 255)


def smallest_epsilon(classifier, pixels, epsilons):
    """The first epsilon whose attack changes the answer, or infinity."""
    answer = logits_of(classifier, pixels).output.argmax(axis=1)
    for epsilon in epsilons:
        moved = fgsm(classifier, pixels, answer, epsilon)
        if logits_of(classifier, moved).output.argmax(axis=1)[0] != answer[0]:
            return epsilon
    return float("inf")


if __name__ == "__main__":
    classifier = numcam.load()
    scene = numcam.scenes.draw(14, objects=2, names=("cat", "dog"))
    pixels = classifier.to_pixels(scene.image)
    epsilon = smallest_epsilon(classifier, pixels, (0.125, 0.25, 0.5, 1, 2, 4, 8))
    print(f"smallest epsilon that changes the answer: {epsilon} grey levels")
    answer = int(logits_of(classifier, pixels).output.argmax())
    noise = np.random.default_rng(0).choice([-1, 1], (20, *pixels.shape[1:])).astype(np.float32)
    noisy = np.clip(pixels + epsilon * noise, 0, 255)
    kept = (logits_of(classifier, noisy).output.argmax(axis=1) == answer).sum()
    print(f"random signs of the same size: {kept} of 20 pictures keep the answer")

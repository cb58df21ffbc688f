"""Page 07: logit, probability, loss."""

import numpy as np


def softmax(logits):
    """Rows that sum to 1. Subtracting the row's maximum changes nothing but keeps exp from overflowing."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_cross_entropy_backward(logits, target):
    """p - onehot, a row for each picture; nothing is divided by n."""
    dlogits = softmax(logits)
    dlogits[np.arange(len(logits)), target] -= 1
    return dlogits


def probability_backward(logits, target):
    """p_c (onehot - p): the gradient of the target's probability itself."""
    p = softmax(logits)
    chosen = p[np.arange(len(p)), target][:, None]  # (n, 1)
    onehot = np.eye(p.shape[1])[target]
    return chosen * (onehot - p)


if __name__ == "__main__":
    # Where p is nearly 1, its gradient p (1 - p) is nearly 0: the probability says nothing any more, the logit does.
    for logits in ([20.0, 19.0, 1.0], [20.0, 1.0, 1.0]):
        x = np.array([logits])
        print(
            logits, "p =", softmax(x)[0].round(6), "gradient of p =", probability_backward(x, np.array([0]))[0].round(6)
        )

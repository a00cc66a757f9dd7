"""What training makes small, and what a network's logits mean: scores of each class at every step, one answer for a clip.

Logits [T, B, K]. With *neutral* in the class set the logit of neutral is always 0, and each class has a score of its own,
sigmoid(z), so that several may rise together; without it the scores are a softmax.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.classes import ClassSet

BEST_STEPS = 3  # a micro-expression is seen in so few bins of 40 ms
BAG_SHARE = 0.5  # of the loss: that a movement was made, whenever
LABEL_SHARE = 0.5  # that it was this one and no other


def clip_logits(z: Tensor, classes: ClassSet, warm_steps: int = 0) -> Tensor:
    """One answer for each clip, [B, all classes], of logits [T, B, K]: with neutral, the mean of each class's highest
    BEST_STEPS steps, and 0 for neutral; without, the mean over all steps. warm_steps: are not looked at.
    """
    scored = z[warm_steps:] if z.shape[0] > warm_steps else z
    if not classes.has_neutral:
        return scored.mean(dim=0)
    best = scored.topk(min(BEST_STEPS, scored.shape[0]), dim=0).values.mean(dim=0)
    return torch.cat([best, torch.zeros_like(best[:, :1])], dim=1)


def clip_scores(z: Tensor, classes: ClassSet, warm_steps: int = 0) -> Tensor:
    """[B, all classes], each row sums to 1."""
    return clip_logits(z, classes, warm_steps).softmax(dim=1)


def loss_of(
    z: Tensor,
    target: Tensor,
    weight: Tensor,
    bag: Tensor,
    bag_weight: Tensor,
    label: Tensor,
    classes: ClassSet,
    warm_steps: int,
) -> Tensor:
    """The loss of a batch, a scalar. z: [T, B, K]; target, weight: [B, T, K]; bag, bag_weight: [B, K]; label: [B], -1 none.

    With neutral: binary cross-entropy of each class at each step, plus that of the clip's answer for what was made in it, plus
    cross-entropy where one class was made. Without: cross-entropy of the clip's answer.
    """
    answer = clip_logits(z, classes, warm_steps)
    known = label >= 0
    total = z.sum() * 0.0
    if bool(known.any()):
        total = total + LABEL_SHARE * F.cross_entropy(answer[known], label[known])
    if not classes.has_neutral:
        return total / LABEL_SHARE
    steps = F.binary_cross_entropy_with_logits(z.transpose(0, 1), target, weight, reduction="sum") / weight.sum().clamp(min=1)
    bags = F.binary_cross_entropy_with_logits(answer[:, :-1], bag, bag_weight, reduction="sum") / bag_weight.sum().clamp(min=1)
    return total + steps * z.shape[2] / 2 + BAG_SHARE * bags * z.shape[2] / 2

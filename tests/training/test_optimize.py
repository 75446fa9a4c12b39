"""Muon and what the training loops share: steps of the right shape, averages, state and rates."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

from core.errors import ConfigError
from training.muon import Muon, orthogonalized, split_parameters
from training.optimize import KINDS, make_optimizer, rate_at, update_average


def small_net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 32, 3), torch.nn.BatchNorm2d(32), torch.nn.ReLU(),
        torch.nn.Conv2d(32, 16, 1), torch.nn.Flatten(), torch.nn.Linear(576, 4),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def trained(kind: str, steps: int) -> tuple[list[float], torch.nn.Module, object]:
    net = small_net()
    images, wanted = torch.randn(8, 3, 8, 8), torch.randint(0, 4, (8,))
    net(images)
    optimizer = make_optimizer(net, learning_rate=0.02, weight_decay=0.01, kind=kind)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(net(images), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, net, optimizer


@pytest.mark.parametrize("shape", [(24, 24), (16, 144), (144, 16), (30, 40), (64, 576)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    # Random directions with singular values over two orders of magnitude.
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = u @ torch.diag(torch.logspace(0, -2, min(shape))) @ v
    found = orthogonalized(matrix)
    values = torch.linalg.svdvals(found)
    assert found.shape == matrix.shape
    assert values.min() > 0.6
    assert values.max() < 1.3
    # The directions stay: U^T X V is diagonal and positive.
    inner = u.T @ found @ v.T
    assert (inner.diagonal() > 0.6).all()
    assert (inner - torch.diag(inner.diagonal())).abs().max() < 1e-3


def test_flat_and_square_ways_agree() -> None:
    torch.manual_seed(2)
    matrix = torch.randn(20, 39)  # just below the limit; with a column of noughts just above
    wide = torch.cat([matrix, torch.zeros(20, 1)], dim=1)
    assert torch.allclose(orthogonalized(matrix), orthogonalized(wide)[:, :39], atol=1e-4)


def test_a_step_has_the_size_of_adamw() -> None:
    parameter = torch.nn.Parameter(torch.zeros(32, 16, 3, 3))
    parameter.grad = torch.randn_like(parameter) * 1e-4
    Muon([parameter], 0.01).step()
    assert parameter.detach().pow(2).mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.2)


def test_thin_kernels_and_vectors_are_left_to_adamw() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 32, 3), torch.nn.Conv2d(32, 24, 3))
    net[1].bias.requires_grad_(False)
    suited, others = split_parameters(net)
    assert [tuple(p.shape) for p in suited] == [(24, 32, 3, 3)]
    assert [tuple(p.shape) for p in others] == [(32, 1, 3, 3), (32,)]


@pytest.mark.parametrize("kind", KINDS)
def test_learns(kind: str) -> None:
    losses, _, _ = trained(kind, 40)
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_state_continues_exactly(kind: str) -> None:
    _, net, optimizer = trained(kind, 3)
    other = copy.deepcopy(net)
    copied = make_optimizer(other, learning_rate=0.5, weight_decay=0.01, kind=kind)
    copied.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for model, stepper in ((net, optimizer), (other, copied)):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        stepper.step()
    for one, two in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_state_of_adamw_alone_is_taken_up() -> None:
    _, net, optimizer = trained("adamw", 2)
    again = make_optimizer(copy.deepcopy(net), learning_rate=0.5, weight_decay=0.01)
    again.load_state_dict(optimizer.state_dict()["parts"][0])
    assert {group["lr"] for group in again.param_groups} == {0.02}


def test_a_state_of_another_kind_is_refused() -> None:
    _, net, optimizer = trained("muon", 1)
    other = make_optimizer(net, learning_rate=0.02, weight_decay=0.01)
    with pytest.raises(ConfigError, match="another optimizer"):
        other.load_state_dict(optimizer.state_dict())


def test_rate_reaches_every_group() -> None:
    _, _, optimizer = trained("muon", 1)
    optimizer.set_rate(0.125)
    assert {group["lr"] for group in optimizer.param_groups} == {0.125}
    assert len(optimizer.param_groups) == 3


def test_average_moves_weights_and_copies_counts() -> None:
    net = small_net()
    net(torch.randn(4, 3, 8, 8))
    average = copy.deepcopy(net)
    with torch.no_grad():
        net[0].weight.add_(1)
    net[1].num_batches_tracked.fill_(7)
    update_average(average, net, 100, 0.75)
    assert torch.allclose(average[0].weight, net[0].weight - 0.75)
    assert int(average[1].num_batches_tracked) == 7


def test_early_averages_forget_faster() -> None:
    net = small_net()
    average = copy.deepcopy(net)
    with torch.no_grad():
        net[0].weight.add_(1)
    update_average(average, net, 0, 0.999)
    assert torch.allclose(average[0].weight, net[0].weight - 0.05, atol=1e-6)


def test_rate_rises_and_falls_to_its_floor() -> None:
    rates = [rate_at(100, p, 2.0, warmup_steps=10, floor=0.1) for p in (0, 0.5, 1, 3)]
    assert rates == pytest.approx([2.0, 1.1, 0.2, 0.2])
    assert rate_at(4, 0, 2.0, warmup_steps=10, floor=0.1) == pytest.approx(1.0)

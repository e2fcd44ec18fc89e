import copy

import torch
from torch import nn
from torch.optim import Muon

from gesso.scale.muon import WholeMatrixMuon


def test_it_takes_the_steps_of_torchs_muon():
    generator = torch.Generator().manual_seed(0)
    matrices = [nn.Parameter(torch.randn(*shape, generator=generator)) for shape in ((6, 4), (3, 8))]
    twins = copy.deepcopy(matrices)
    words = {"lr": 1e-2, "weight_decay": 0.1, "momentum": 0.95, "adjust_lr_fn": "match_rms_adamw"}
    whole, plain = WholeMatrixMuon(matrices, **words), Muon(twins, **words)
    for _ in range(3):
        for matrix, twin in zip(matrices, twins, strict=True):
            matrix.grad = torch.randn(matrix.shape, generator=generator)
            twin.grad = matrix.grad.clone()
        whole.step()
        plain.step()
        for matrix, twin in zip(matrices, twins, strict=True):
            torch.testing.assert_close(matrix, twin, rtol=1e-6, atol=1e-7)
            torch.testing.assert_close(whole.state[matrix]["momentum_buffer"], plain.state[twin]["momentum_buffer"])


def test_a_matrix_without_a_gradient_stays():
    matrix = nn.Parameter(torch.ones(2, 2))
    optimizer = WholeMatrixMuon([matrix], lr=0.1)
    optimizer.step()
    assert torch.equal(matrix, torch.ones(2, 2))
    assert not optimizer.state

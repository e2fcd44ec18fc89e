"""Triton kernels for GPUs, each the fast twin of plain torch; the only room that imports triton."""

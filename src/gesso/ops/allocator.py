"""How the C library keeps memory that tensors give back."""

import torch

_LARGEST_KEPT_BYTES = 31 << 20


def keep_freed_memory() -> None:
    """Let this process keep what its tensors free, up to some 60 MB, for those that come next.

    glibc hands large blocks back to the system at once, and each tensor of a step then costs a page fault for every
    4 KiB: on the bundled model as much time as reading the head. It stops doing so for blocks as large as one that it
    has seen freed (`mallopt(3)`, M_MMAP_THRESHOLD), so one is shown to it. Other C libraries are left as they are.
    """
    torch.empty(_LARGEST_KEPT_BYTES, dtype=torch.uint8)

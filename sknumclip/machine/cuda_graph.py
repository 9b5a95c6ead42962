"""StepGraph: run training steps as a CUDA graph, launched at once instead of by kernel."""

import contextlib
import threading

import torch

__all__ = ["StepGraph", "branch"]

N_EAGER_STEPS = 3  # warm-up, in which libraries choose kernels and allocate workspaces

_STREAMS = threading.local()


def _stream_of_thread(purpose, device):
    """Return a cached stream: cuBLAS keeps memory for each stream that it has seen."""
    streams = vars(_STREAMS)
    if (purpose, device) not in streams:
        streams[purpose, device] = torch.cuda.Stream(device)
    return streams[purpose, device]


@contextlib.contextmanager
def branch(device):
    """While a step is captured, run this block in parallel with the code after it.

    Yields
    ------
    callable
        Call it before using the results of the block.
    """
    if device.type != "cuda" or not torch.cuda.is_current_stream_capturing():
        yield lambda: None
        return
    main, side = torch.cuda.current_stream(device), _stream_of_thread("branch", device)
    side.wait_stream(main)
    with torch.cuda.stream(side):
        yield lambda: main.wait_stream(side)


class StepGraph:
    """Run the forward and backward pass of a step, from the fourth step on as a CUDA graph.

    A step on a small batch launches about two thousand kernels of a few microseconds each, which
    takes the CPU longer than running them takes the GPU. Batches of another size than the first,
    such as the last of an epoch, run as usual.

    Parameters
    ----------
    compute : callable
        Takes the tensors of a batch, returns a tuple of tensors and adds gradients to the
        parameters. It must do the same each time, without state outside of tensors. Code that waits
        for the device cannot be captured, and runs as usual.
    parameters : iterable of Parameter
        Parameters of the module.
    """

    def __init__(self, compute, parameters):
        self.compute = compute
        self.parameters = list(parameters)
        self._stream = _stream_of_thread("steps", self.parameters[0].device)
        self._kind = None
        self._n_eager = 0
        self._graph = None

    def __call__(self, *batch):
        """Compute the outputs and the gradients of a batch, tensors on the device."""
        kind = self._kind_of(batch)
        if self._kind is None:
            self._kind = kind
        if kind != self._kind:
            return self.compute(*batch)
        if self._n_eager < N_EAGER_STEPS:
            self._n_eager += 1
            return self._on_own_stream(batch)
        if self._graph is None and not self._try_to_capture(batch):
            return self.compute(*batch)
        return self._replay(batch)

    def _kind_of(self, batch):
        # Callbacks may freeze or unfreeze parts of the module.
        return [*(tensor.shape for tensor in batch), *(p.requires_grad for p in self.parameters)]

    def _on_own_stream(self, batch):
        """Compute on our own stream, so that autograd's buffers do not belong to a shared one."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            outputs = self.compute(*batch)
        current.wait_stream(self._stream)
        return outputs

    def _try_to_capture(self, batch):
        """Return whether it worked: a graph takes memory, and not all code can be captured."""
        try:
            self._capture(batch)
        except RuntimeError:
            self._kind = [None]  # matches no batch, so every step from now on runs as usual
            self._inputs = self._outputs = self._gradients = None
            for parameter in self.parameters:
                parameter.grad = None
            torch.cuda.empty_cache()
        return self._graph is not None

    def _capture(self, batch):
        self._inputs = [tensor.clone() for tensor in batch]
        for parameter in self.parameters:
            parameter.grad = None  # the graph must write gradients, not add to them
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile.
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            self._outputs = self.compute(*self._inputs)
        self._gradients = [parameter.grad for parameter in self.parameters]
        self._graph = graph

    def _replay(self, batch):
        for place, tensor in zip(self._inputs, batch, strict=True):
            place.copy_(tensor)
        self._graph.replay()
        for parameter, gradient in zip(self.parameters, self._gradients, strict=True):
            parameter.grad = gradient
        return tuple(output.clone() for output in self._outputs)

"""Object arrays in ``.npy`` files: pickles, read without ever running what they name.

W-TALC publishes features and annotations as numpy arrays of Python objects. Such a file is a pickle, and a pickle
can call any function. This reader admits what numpy itself writes to describe an array and nothing else; lists,
strings and numbers need no class at all.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from trainables.errors import UserError
from trainables.text_files import one_line, require_regular_file

_HEADERS: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class _Dtype:
    """What a pickle says of a dtype. numpy's own would take anything of a damaged file, and end the process."""

    def __init__(self, name: str, *_: Any) -> None:
        self.made = np.dtype(str(name))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, subarray, names, fields, *_ = state
        if (subarray, names, fields) != (None, None, None):
            raise pickle.UnpicklingError("it has an array of records, which is not understood")
        if order in ("<", ">"):
            self.made = self.made.newbyteorder(order)


class _Array:
    """An array that is made when its state is read."""

    array: npt.NDArray[Any]

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, dtype, by_columns, data = state[-4:]
        order: Literal["C", "F"] = "F" if by_columns else "C"
        if dtype.made.hasobject:
            flat = np.empty(len(data), dtype=object)
            for place, value in enumerate(data):
                flat[place] = _unwrapped(value)
        else:
            flat = np.frombuffer(_bytes(data), dtype.made).copy()
        self.array = flat.reshape(shape, order=order)


def _scalar(dtype: _Dtype, data: Any) -> Any:
    return _unwrapped(data) if dtype.made.hasobject else np.frombuffer(_bytes(data), dtype.made)[0]


def _from_buffer(data: Any, dtype: _Dtype, shape: tuple[int, ...], order: Literal["C", "F"]) -> npt.NDArray[Any]:
    return np.frombuffer(data, dtype.made).reshape(shape, order=order)


def _bytes(data: Any) -> bytes:
    """Python 2 wrote them as text."""
    if not isinstance(data, bytes | str):
        raise TypeError(f"an array's content is bytes, got {type(data).__name__}")
    return data.encode("latin1") if isinstance(data, str) else data


def _unwrapped(value: Any) -> Any:
    """With arrays in place of what they were read as."""
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, list | tuple):
        return type(value)(map(_unwrapped, value))
    if isinstance(value, dict):
        return {key: _unwrapped(one) for key, one in value.items()}
    return value


# numpy 1 wrote numpy.core, numpy 2 writes numpy._core; both name the same constructors.
_ADMITTED: dict[tuple[str, str], Any] = {("numpy", "ndarray"): _Array, ("numpy", "dtype"): _Dtype} | {
    (f"numpy.{core}.{module}", name): made
    for core in ("core", "_core")
    for module, name, made in (
        ("multiarray", "_reconstruct", _Array),
        ("multiarray", "scalar", _scalar),
        ("numeric", "_frombuffer", _from_buffer),
    )
}


class _NumpyUnpickler(pickle._Unpickler):
    """Resolves numpy's array constructors only, to those above.

    Python's own: the one in C makes room for as many objects as a damaged file numbers them, gigabytes.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is not one of numpy's own classes")
        return _ADMITTED[module, name]


def _unpickled(file: BinaryIO) -> Any:
    # latin1 maps each byte to one character: the only encoding that Python 2's raw array data survives.
    return _unwrapped(_NumpyUnpickler(file, encoding="latin1").load())


def read_object_array(path: Path) -> npt.NDArray[Any]:
    """The array of ``path``, of objects or of plain numbers or strings.

    Bytes that Python 2 wrote as strings become ``str``. Raises UserError for a file that is missing, truncated,
    no ``.npy`` at all, or whose pickle names anything but numpy's own classes (refused before it is run).
    """
    require_regular_file(path)
    try:
        with path.open("rb") as file:
            shape, _, dtype = _read_header(file)
            if not dtype.hasobject:
                file.seek(0)
                return np.load(file, allow_pickle=False)
            array = _unpickled(file)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path}: object array refused: {one_line(error)}; nothing of it was run. Save it again with arrays only"
        ) from None
    except Exception as error:  # a damaged pickle may fail in any way
        raise UserError(f"{path}: truncated or damaged .npy file ({one_line(error)}); get it again") from None
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise UserError(f"{path}: header says shape {shape}, content does not; get the file again")
    return array


def read_pickled_arrays(path: Path) -> Any:
    """A pickle of numpy arrays in lists and dicts, as JAX users publish weights. Raises UserError as above."""
    try:
        with path.open("rb") as file:
            return _unpickled(file)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        raise UserError(f"{path}: refused: {error}; nothing of it was run. Get it from a source you trust") from None
    except Exception as error:  # a damaged pickle may fail in any way
        raise UserError(f"{path}: truncated or damaged pickle ({one_line(error)}); get it again") from None


def is_object_array(path: Path) -> bool:
    """Whether ``path`` is a readable ``.npy`` file with Python objects inside."""
    try:
        with path.open("rb") as file:
            return _read_header(file)[2].hasobject
    except Exception:  # a damaged header may fail in any way
        return False


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f".npy version {version} is not understood")
    with warnings.catch_warnings():  # numpy's, about headers that Python 2 wrote: nothing is to be done about them
        warnings.simplefilter("ignore")
        return _HEADERS[version](file)

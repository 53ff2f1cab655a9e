"""From LLVM modules to functions that XLA can call."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import threading
from collections.abc import Callable

import jax
import llvmlite.binding as llvm
from llvmlite import ir

_POINTER, _I32, _I64 = ir.PointerType(), ir.IntType(32), ir.IntType(64)
_lock = threading.Lock()
_kept: dict[str, llvm.ExecutionEngine] = {}  # code that XLA may still call

# Places in the structures of XLA's C interface for foreign functions, version 0, in bytes
# (xla/ffi/api/c_api.h, which is kept compatible within a version).
_EXTENSION, _API, _ARGUMENTS, _RESULTS = 8, 16, 72, 112  # of the call frame
_EXTENSION_TYPE, _METADATA = 8, 24  # of its extension
_ABOUT_VERSION = 1  # type of the extension by which XLA asks for the handler's version
_API_MINOR = 36  # of the table of XLA's functions
_MAJOR, _MINOR, _TRAITS = 24, 28, 32  # of the metadata
_DATA = 24  # of a buffer


def vector_length() -> int:
    """Doubles that the processor works on together."""
    return 8 if _features().get("avx512f") else 4


def kind() -> str:
    """Name of the processor and length of its vectors."""
    return f"{llvm.get_host_cpu_name()}, vectors of {vector_length()}"


def register(
    write: Callable[[ir.IRBuilder, list[ir.Value], list[ir.Value]], None],
    arguments: int,
    results: int,
) -> str:
    """Compile a function and make it known to XLA.

    Parameters
    ----------
    write
        Called with a builder and pointers to the data of arguments and results; it writes the
        function's body.
    arguments, results
        How many there are.

    Returns
    -------
    str
        Name of the function for `jax.ffi.ffi_call`, made of its code: in another process the same
        code has the same name, so that compiled functions that call it can be kept on disk.
    """
    module = ir.Module("loop")
    handler = ir.Function(module, ir.FunctionType(_POINTER, [_POINTER]), "handler")
    frame = handler.args[0]
    builder = ir.IRBuilder(handler.append_basic_block())
    _answer_version(builder, frame)
    pointers = [
        _data(builder, frame, where, count)
        for where, count in ((_ARGUMENTS, arguments), (_RESULTS, results))
    ]
    write(builder, *pointers)
    builder.ret(ir.Constant(_POINTER, None))
    text = str(module)
    name = f"bayes_tbm_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    with _lock:
        if name not in _kept:
            _kept[name] = engine = _compiled(text)
            jax.ffi.register_ffi_target(name, _capsule(engine), platform="cpu")
    return name


def _answer_version(builder: ir.IRBuilder, frame: ir.Value) -> None:
    """Return at once, with the version of the interface, where XLA asks for that.

    The minor version is XLA's own, since what is used here has been there from the first; another
    major version than 0 is one for XLA to refuse.
    """
    extension = _load(builder, frame, _EXTENSION)
    there = builder.icmp_unsigned("!=", extension, ir.Constant(_POINTER, None))
    with builder.if_then(there):
        kind = _load(builder, extension, _EXTENSION_TYPE, _I32)
        asks = builder.icmp_unsigned("==", kind, ir.Constant(_I32, _ABOUT_VERSION))
        with builder.if_then(asks):
            metadata = _load(builder, extension, _METADATA)
            minor = _load(builder, _load(builder, frame, _API), _API_MINOR, _I32)
            answers = {_MAJOR: ir.Constant(_I32, 0), _MINOR: minor, _TRAITS: ir.Constant(_I32, 0)}
            for place, value in answers.items():
                builder.store(value, _at(builder, metadata, place))
            builder.ret(ir.Constant(_POINTER, None))


def _data(builder: ir.IRBuilder, frame: ir.Value, where: int, count: int) -> list[ir.Value]:
    """Pointers to the data of all arguments, or of all results."""
    buffers = _load(builder, frame, where)
    return [_load(builder, _load(builder, buffers, 8 * i), _DATA) for i in range(count)]


def _at(builder: ir.IRBuilder, base: ir.Value, offset: int) -> ir.Value:
    return builder.gep(base, [ir.Constant(_I64, offset)], source_etype=ir.IntType(8))


def _load(builder: ir.IRBuilder, base: ir.Value, offset: int, kind: ir.Type = _POINTER) -> ir.Value:
    return builder.load(_at(builder, base, offset), typ=kind)


def _compiled(text: str) -> llvm.ExecutionEngine:
    module = llvm.parse_assembly(text)
    module.verify()
    machine = _target_machine()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = False  # a step fills the processor by itself
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


@functools.cache
def _features() -> llvm.FeatureMap:
    return llvm.get_host_cpu_features()


def _target_machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_features().flatten(), opt=2
    )


def _capsule(engine: llvm.ExecutionEngine) -> object:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    capsule: object = make(engine.get_function_address("handler"), None, None)
    return capsule

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

from bayes_tbm.native.llvm import interface
from bayes_tbm.native.llvm.interface import Place

_POINTER, _I32, _I64 = ir.PointerType(), ir.IntType(32), ir.IntType(64)
_lock = threading.Lock()
_kept: dict[str, llvm.ExecutionEngine] = {}  # code that XLA may still call


def vector_length() -> int:
    """Doubles that the processor works on together."""
    return 8 if _features().get("avx512f") else 4


def kind() -> str:
    """Name of the processor and length of its vectors."""
    return f"{llvm.get_host_cpu_name()}, vectors of {vector_length()}"


def module(
    write: Callable[[ir.IRBuilder, list[ir.Value], list[ir.Value]], None],
    arguments: int,
    results: int,
) -> str:
    """LLVM's text of a function that XLA can call.

    Parameters
    ----------
    write
        Called with a builder and pointers to the data of arguments and results; it writes the
        function's body.
    arguments, results
        How many there are.
    """
    whole = ir.Module("loop")
    handler = ir.Function(whole, ir.FunctionType(_POINTER, [_POINTER]), "handler")
    frame = handler.args[0]
    builder = ir.IRBuilder(handler.append_basic_block())
    _answer_version(builder, frame)
    pointers = [
        _data(builder, frame, where, count)
        for where, count in ((interface.ARGUMENTS, arguments), (interface.RESULTS, results))
    ]
    write(builder, *pointers)
    builder.ret(ir.Constant(_POINTER, None))
    return str(whole)


def register(text: str) -> str:
    """Compile a module and make its function known to XLA.

    Returns
    -------
    str
        Name of the function for `jax.ffi.ffi_call`, made of its code: in another process the same
        code has the same name, so that compiled functions that call it can be kept on disk.
    """
    name = f"bayes_tbm_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    with _lock:
        if name not in _kept:
            engine = _compiled(text)
            jax.ffi.register_ffi_target(name, _capsule(engine), platform="cpu")
            _kept[name] = engine
    return name


def _answer_version(builder: ir.IRBuilder, frame: ir.Value) -> None:
    """Return at once, with the version of the interface, where XLA asks for that.

    It is the version of the header that was checked: what else XLA may speak is for it to refuse.
    """
    extension = _load(builder, frame, interface.EXTENSION)
    is_extended = builder.icmp_unsigned("!=", extension, ir.Constant(_POINTER, None))
    with builder.if_then(is_extended):
        kind = _load(builder, extension, interface.EXTENSION_TYPE, _I32)
        about_version = ir.Constant(_I32, interface.NUMBERS["XLA_FFI_Extension_Metadata"])
        with builder.if_then(builder.icmp_unsigned("==", kind, about_version)):
            metadata = _load(builder, extension, interface.METADATA)
            major, minor = interface.version()
            answers = {interface.MAJOR: major, interface.MINOR: minor, interface.TRAITS: 0}
            for place, value in answers.items():
                builder.store(ir.Constant(_I32, value), _at(builder, metadata, place.byte))
            builder.ret(ir.Constant(_POINTER, None))


def _data(builder: ir.IRBuilder, frame: ir.Value, where: Place, count: int) -> list[ir.Value]:
    """Pointers to the data of all arguments, or of all results."""
    buffers = _load(builder, frame, where)
    pointers = [builder.load(_at(builder, buffers, 8 * i), typ=_POINTER) for i in range(count)]
    return [_load(builder, buffer, interface.DATA) for buffer in pointers]


def _at(builder: ir.IRBuilder, base: ir.Value, offset: int) -> ir.Value:
    return builder.gep(base, [ir.Constant(_I64, offset)], source_etype=ir.IntType(8))


def _load(
    builder: ir.IRBuilder, base: ir.Value, place: Place, kind: ir.Type = _POINTER
) -> ir.Value:
    return builder.load(_at(builder, base, place.byte), typ=kind)


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

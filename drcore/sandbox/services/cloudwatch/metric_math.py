"""CloudWatch's metric math, as much as error rates need.

Numbers, ids, `+ - * /`, parentheses, `FILL(id, number)`, `SUM([ids])` and `SUM(METRICS())`. An operation on
two series keeps the periods that both have; a division by zero gives no point. No SEARCH, no IF, no bands.
"""

import ast
import functools
import operator
from collections.abc import Callable, Mapping, Sequence

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.services.cloudwatch.metrics import Series

Number = float
Value = Series | Number | list[Series]
Lookup = Callable[[str], Series]

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(expression: str, lookup: Lookup, metrics: Sequence[str], grid: Sequence[int]) -> Series:
    """The series that `expression` gives.

    `lookup` gives the series of an id, `metrics` the ids of METRICS(), `grid` the periods that FILL fills.
    Raises AwsError (ValidationError) with the part of the expression that is not understood.
    """
    value = _Reader(expression, lookup, metrics, grid).read(_parse(expression))
    if not isinstance(value, dict):
        raise _refuse(expression, "it does not give one time series")
    return value


class _Reader:
    """Walks one expression."""

    def __init__(self, text: str, lookup: Lookup, metrics: Sequence[str], grid: Sequence[int]) -> None:
        self.text, self.lookup, self.metrics, self.grid = text, lookup, metrics, grid

    def read(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.lookup(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._combine(operator.sub, 0.0, self.read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._combine(_OPERATORS[type(op)], self.read(left), self.read(right))
            case ast.List(elts=elements):
                return [self._series(self.read(element)) for element in elements]
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(name.upper(), args)
        raise _refuse(self.text, f"{ast.unparse(node)!r} is not supported here")

    def _call(self, name: str, args: list[ast.expr]) -> Value:
        match name, args:
            case "METRICS", []:
                return [self.lookup(metric) for metric in self.metrics]
            case "SUM", [arg]:
                return self._sum(self.read(arg))
            case "FILL", [arg, number]:
                filling = self.read(number)
                if isinstance(filling, float):
                    return dict.fromkeys(self.grid, filling) | self._series(self.read(arg))
        raise _refuse(self.text, f"{name} with these arguments is not supported here")

    def _combine(self, op: Callable[[float, float], float], left: Value, right: Value) -> Value:
        if isinstance(left, float) and isinstance(right, float):
            return _safe(op, left, right) or 0.0
        begins = [set(side) for side in (left, right) if isinstance(side, dict)]
        series: Series = {}
        for begin in sorted(set.intersection(*begins)):
            value = _safe(op, self._at(left, begin), self._at(right, begin))
            if value is not None:
                series[begin] = value
        return series

    def _sum(self, value: Value) -> Series:
        rows = value if isinstance(value, list) else [self._series(value)]
        begins = sorted({begin for row in rows for begin in row})
        return {begin: sum(row.get(begin, 0.0) for row in rows) for begin in begins}

    def _at(self, value: Value, begin: int) -> float:
        if isinstance(value, float):
            return value
        return self._series(value)[begin]

    def _series(self, value: Value) -> Series:
        if not isinstance(value, dict):
            raise _refuse(self.text, "a time series was expected")
        return value


@functools.lru_cache(maxsize=256)
def _parse(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise _refuse(expression, "it is not an arithmetic expression") from None


def _safe(op: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        return op(left, right)
    except ZeroDivisionError:
        return None


def _refuse(expression: str, why: str) -> AwsError:
    return AwsError("ValidationError", f"Error in expression {expression!r}: {why}")

"""The query language of Logs Insights: its grammar, how a text outside it is refused.

Keywords between operands (and, by, like …) may be written in capitals; the names of commands and functions may not.
"""

import functools
from typing import Any

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from drcore.sandbox.core.registry import AwsError

Node = Tree[Token]
"""A piece of a query, with its place in the text."""

GRAMMAR = r"""
start: "|"? command ("|" command)* "|"?
command: "fields" named ("," named)*                              -> fields
    | "display" operand ("," operand)*                            -> display
    | ("filter" | "where") condition                              -> filter
    | "parse" source (TEXT | REGEX)  (AS NAME ("," NAME)*)?       -> parse
    | "stats" named ("," named)* groups?                          -> stats
    | "sort" sorted_by ("," sorted_by)*                           -> sort
    | "limit" INTEGER                                             -> limit
    | "dedup" operand ("," operand)*                              -> dedup
    | ELSEWHERE                                                   -> elsewhere
source: NAME                                                      -> field
named: condition (AS NAME)?
groups: "by"i named ("," named)*
sorted_by: condition (ASC | DESC)?

?condition: conjunction
    | conjunction ("or"i conjunction)+                            -> any_of
?conjunction: negation
    | negation ("and"i negation)+                                 -> all_of
?negation: comparison
    | "not"i negation                                             -> negated
?comparison: sum
    | sum COMPARED sum                                            -> compared
    | sum _LIKE (TEXT | REGEX)                                    -> like
    | sum "not"i _LIKE (TEXT | REGEX)                             -> not_like
    | sum "in"i list                                              -> among
    | sum "not"i "in"i list                                       -> not_among
list: "[" literal ("," literal)* "]"
?sum: product
    | product (PLUS_MINUS product)+                               -> arithmetic
?product: power
    | power (TIMES power)+                                        -> arithmetic
?power: sign
    | sign ("^" sign)+                                            -> power
?sign: operand
    | "-" sign                                                    -> negative
?operand: literal
    | NAME "(" (argument ("," argument)*)? ")"                    -> function
    | NAME                                                        -> field
    | "(" condition ")"
?argument: condition
    | "*"                                                         -> everything
    | PERIOD                                                      -> period
?literal: NUMBER                                                  -> number
    | INTEGER                                                     -> number
    | TEXT                                                        -> text

AS: "as"i
ASC: "asc"i
DESC: "desc"i
ELSEWHERE.2: /(pattern|diff|anomaly|unmask|unnest|filterIndex|SOURCE|lookup|join)\b[^|]*/
COMPARED: "!=" | ">=" | "<=" | "=" | ">" | "<"
_LIKE.1: /like\b|=~/i
PLUS_MINUS: "+" | "-"
TIMES: "*" | "/" | "%"
PERIOD.2: /\d+(ms|s|m|h|d|w|mo|q|y)\b/
NUMBER.1: /\d+\.\d+/
INTEGER: /\d+/
NAME: /@?[A-Za-z_][A-Za-z0-9_@.]*/ | /`[^`]+`/
TEXT: /"(?:[^"\\]|\\.)*"/ | /'(?:[^'\\]|\\.)*'/
REGEX: /\/(?:[^\/\\\n]|\\.)+\//
COMMENT: /#[^\n]*/
%import common.WS
%ignore WS
%ignore COMMENT
"""


class MalformedQuery(AwsError):
    """A query that Insights does not compile: what is wrong, from which character (0 is the first) to which."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__("MalformedQueryException", f"{message} ([{start},{end}])")
        location = {"startCharOffset": start, "endCharOffset": end}
        vars(self)["queryCompileError"] = {"location": location, "message": message}  # a member of the model's shape


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def parse(query: str) -> Node:
    """The query as a tree. Raises MalformedQuery."""
    try:
        return _parser().parse(query)
    except UnexpectedToken as error:
        token: Token = error.token
        start = len(query) if token.type == "$END" else int(token.start_pos or 0)
        raise MalformedQuery(
            f"unexpected symbol found {str(token) or 'end of query'}", start, start + len(token)
        ) from None
    except UnexpectedCharacters as error:
        start = int(error.pos_in_stream or 0)
        raise MalformedQuery(f"unexpected symbol found {query[start]}", start, start + 1) from None
    except UnexpectedInput as error:
        raise MalformedQuery(str(error), 0, len(query)) from None


def refuse(node: Any, message: str) -> MalformedQuery:
    """A piece of a query that is well written, and yet says what cannot be."""
    if isinstance(node, Token):
        return MalformedQuery(message, int(node.start_pos or 0), int(node.end_pos or 0))
    return MalformedQuery(message, int(node.meta.start_pos), int(node.meta.end_pos))


def lacking(what: str) -> AwsError:
    """A piece of the language that AWS has and the sandbox has not: it must not look like a mistake of the query."""
    return AwsError("NotImplemented", f"not in the sandbox: Logs Insights, {what}", 501)


def name_of(token: Token) -> str:
    """A field's name without the backticks around it."""
    return str(token).strip("`")


def unquoted(token: Token) -> str:
    """What a quoted text says."""
    inner, quote = str(token)[1:-1], str(token)[0]
    return inner.replace(f"\\{quote}", quote).replace("\\\\", "\\")

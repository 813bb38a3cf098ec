"""Body rewriting: the module's source is parsed again, each function body gets a call of its probe, the result is compiled.

Only entries are seen by this stub: ends would need every body inside a `try`, at more cost than shown here.
The hook stands on the line of the first statement, so that no line is added to what coverage.py sees.
"""

import ast
import builtins
import sys
from pathlib import Path

HOOK = "__trial_hook__"
MARK = "\0trial:"


class BodyEngine:
    name = "body"

    def __init__(self):
        self.probes = {}
        self.serial = 0
        getframe = sys._getframe  # noqa: SLF001 - the caller's frame has no other name
        probes = self.probes

        def hook(mark, arguments):
            probe = probes.get(mark)
            if probe is not None:
                ticket = probe.entered_at(getframe(1))
                if ticket is not None:
                    probe.began(ticket, arguments)

        setattr(builtins, HOOK, hook)

    def attach_module(self, code, probe_of):
        tree = ast.parse(Path(code.co_filename).read_bytes(), code.co_filename)
        _Rewriter(self).visit(tree)
        ast.fix_missing_locations(tree)
        rewritten = compile(tree, code.co_filename, "exec", dont_inherit=True)
        self._bind(rewritten, probe_of)
        return rewritten

    def _bind(self, code, probe_of):
        for constant in code.co_consts:
            if isinstance(constant, str) and constant.startswith(MARK):
                self.probes[constant] = probe_of(code)
            elif hasattr(constant, "co_consts"):
                self._bind(constant, probe_of)

    def next_mark(self):
        self.serial += 1
        return f"{MARK}{self.serial}"


class _Rewriter(ast.NodeTransformer):
    def __init__(self, engine):
        self.engine = engine

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        documented = ast.get_docstring(node, clean=False) is not None
        first = node.body[documented] if len(node.body) > documented else node.body[0]
        line = first.decorator_list[0] if getattr(first, "decorator_list", None) else first
        hook = ast.copy_location(ast.Expr(self._call(node.args, line)), line)
        node.body.insert(int(documented), hook)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast.NodeVisitor names it

    def visit_Lambda(self, node):
        self.generic_visit(node)
        hook = self._call(node.args, node.body)
        node.body = ast.copy_location(ast.BoolOp(ast.Or(), [hook, node.body]), node.body)
        return node

    def _call(self, args, at):
        names = [
            *args.posonlyargs,
            *args.args,
            *filter(None, [args.vararg]),
            *args.kwonlyargs,
            *filter(None, [args.kwarg]),
        ]
        arguments = ast.Tuple([ast.Name(a.arg, ast.Load()) for a in names], ast.Load())
        call = ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(self.engine.next_mark()), arguments], [])
        for part in ast.walk(call):
            ast.copy_location(part, at)
            part.end_lineno = at.lineno
            part.end_col_offset = at.col_offset
        return call

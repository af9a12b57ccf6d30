"""The demo's page is held against the types of its tools, as `make js` does with the whole of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chatkit_app.engine.viewer import Viewer
from chatkit_app.registry import assistants
from project.shop.assistants import tools_for

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = Path("project/shop/static/shop")
TSC = ROOT / "node_modules" / ".bin" / "tsc"


@pytest.fixture
def page(tmp_path) -> Path:
    """A copy of the demo's scripts, to be spoilt."""
    assert TSC.exists(), "npm install was not run"
    shutil.copytree(ROOT / SCRIPTS, tmp_path / "shop")
    options = json.loads((ROOT / "tsconfig.json").read_text())["compilerOptions"]
    tsconfig = {"compilerOptions": options, "include": ["shop/*.js", "shop/*.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(tsconfig))
    return tmp_path / "shop"


def complaints(page: Path) -> str:
    done = subprocess.run(
        [TSC, "--project", page.parent], capture_output=True, text=True, check=False
    )
    return done.stdout


def spoil(page: Path, before: str, after: str) -> None:
    script = page / "tools.js"
    text = script.read_text()
    assert before in text
    script.write_text(text.replace(before, after))


def test_the_types_of_the_demo_are_those_of_its_tools() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "chatkit_types", "--check"),
            *("--output", SCRIPTS / "chatkit-tools.d.ts"),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_SECRET_KEY": "for this test alone",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "is up to date" in done.stdout


@pytest.mark.parametrize(
    "viewer",
    [Viewer(visitor=uuid4()), Viewer(user=User(pk=1))],
    ids=["visitor", "user"],
)
def test_the_demo_names_all_tools_that_it_offers(viewer) -> None:
    known = assistants.get("shop").known_tools or ()

    offered = {tool.definition.name for tool in tools_for(viewer, None)}

    assert offered <= {tool.definition.name for tool in known}


@pytest.mark.node
def test_the_demo_s_page_keeps_to_them(page) -> None:
    assert complaints(page) == ""


@pytest.mark.node
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "({ text: selection.text })",
            "({ text: selection.text.length })",
            "Type 'number' is not assignable to type 'string'",
        ),
        (
            "({ product_id }) =>",
            "({ product }) =>",
            "Property 'product' does not exist",
        ),
        ('"list_notes"', '"list_note"', "'\"list_note\"' is not assignable"),
        ('"list_notes"', '"order_status"', "'\"order_status\"' is not assignable"),
        ("call.done({ path })", "call.done({ paths: path })", "'paths' does not exist"),
    ],
)
def test_a_mistake_in_a_page_s_tool_is_found(page, before, after, words) -> None:
    spoil(page, before, after)

    assert words in complaints(page)


NARROWED = """
import type { ShopPart } from "./chatkit-tools.js"

export function look(part: ShopPart): void {
  if (part.type === "tool-call" && part.name === "add_to_cart") {
    const input: { product_id: string; quantity: number } = part.input
    const output: { total: string } | undefined = part.output
    console.log(input, output)
  }
  if (part.type === "tool-call" && part.name === "search_catalogue") {
    const found: { id: string }[] | undefined = part.output
    console.log(found)
  }
}

document
  .querySelector("chatkit-thread")
  ?.tools.register("highlight_product", (input) => ({ found: input.product_id === "a" }))
"""


@pytest.mark.node
def test_a_part_s_name_tells_what_goes_in_and_comes_out(page) -> None:
    (page / "look.ts").write_text(NARROWED)

    assert complaints(page) == ""


@pytest.mark.node
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("quantity: number", "quantity: string", "Type 'number' is not assignable"),
        ("{ total: string } |", "{ sum: string } |", "Property 'sum' is missing"),
        ('"add_to_cart"', '"add_to_card"', "have no overlap"),
        ("| undefined = part.output\n    console.log(found)", "= part.output", "undefined"),
        ("input.product_id", "input.product", "Property 'product' does not exist"),
    ],
)  # fmt: skip
def test_a_mistake_about_a_part_is_found(page, before, after, words) -> None:
    assert before in NARROWED
    (page / "look.ts").write_text(NARROWED.replace(before, after))

    assert words in complaints(page)


WITH_CONTEXT = """
type ShopContext = { marked: Set<string>; toast: (words: string) => void }

document
  .querySelector("chatkit-thread")
  ?.tools.register("highlight_product", (input, { context }: { context: ShopContext }) => {
    context.toast(input.product_id)
    return { found: context.marked.has(input.product_id) }
  })
"""


@pytest.mark.node
def test_a_handler_says_of_which_type_its_context_is(page) -> None:
    (page / "look.ts").write_text('import "./chatkit-tools.js"\n' + WITH_CONTEXT)
    assert complaints(page) == ""

    spoilt = WITH_CONTEXT.replace("context.marked.has", "context.marks.has")
    (page / "look.ts").write_text('import "./chatkit-tools.js"\n' + spoilt)
    assert "Property 'marks' does not exist" in complaints(page)

// The page of a shared thread: what the assistant wrote is plain text there, and Markdown from here on.

import { MarkdownView } from "./element-markdown.js"
import { readTable, wordsFrom } from "./element-strings.js"

const table = document.getElementById("chatkit-shared-words")
const words = wordsFrom(readTable(table?.textContent))

for (const plain of document.querySelectorAll("[data-markdown]")) {
  const view = new MarkdownView(words)
  view.update(plain.textContent ?? "", { isWhole: true })
  plain.replaceWith(view.element)
}

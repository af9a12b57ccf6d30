// The parts of a message, each with a view of its own kind.

import { h, ICONS, icon, setAttribute, setText } from "./element-dom.js"
import { fileView } from "./element-files.js"
import { MarkdownView } from "./element-markdown.js"
import { ToolCallView } from "./element-tool-call.js"
import { resultOf } from "./element-tool-words.js"

/** @typedef {import("./element-answering.js").AnswerHost} AnswerHost */
/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */

/**
 * @typedef {object} PartView
 * @property {HTMLElement} element
 * @property {(part: Part, message: Message, client: ClientShape) => void} update
 */

/** @param {Part} part */
export function isEmpty(part) {
  return (part.type === "text" || part.type === "reasoning") && part.content === ""
}

/**
 * @param {Part} part
 * @param {boolean} isUser
 * @param {Words} words
 * @param {AnswerHost} host
 * @returns {PartView}
 */
export function viewOf(part, isUser, words, host) {
  if (part.type === "tool-call") return toolPartView(words, host, part.name)
  if (part.type === "reasoning") return reasoningView(words)
  if (part.type === "text" && !isUser) return textView(words)
  if (part.type === "text") return plainView()
  if (part.type === "file") return fileView(words, host.language)
  return { element: h("div", { hidden: true }), update: () => {} } // of a newer server
}

/** @returns {PartView} */
function plainView() {
  const element = h("div", { class: "plain", dir: "auto" })
  return {
    element,
    update: (part) => setText(element, part.type === "text" ? part.content : ""),
  }
}

/**
 * @param {Words} words
 * @returns {PartView}
 */
function textView(words) {
  const view = new MarkdownView(words)
  return {
    element: view.element,
    update(part) {
      if (part.type === "text") {
        setAttribute(view.element, "data-streaming", part.state === "streaming")
        view.update(part.content, { isWhole: part.state !== "streaming" })
      }
    },
  }
}

/**
 * @param {Words} words
 * @returns {PartView}
 */
function reasoningView(words) {
  const view = new MarkdownView(words)
  const label = h("span")
  const element = h(
    "details",
    { class: "reasoning" },
    h("summary", {}, h("span", { class: "tool-chevron" }, icon(ICONS.chevron)), label),
    view.element,
  )
  return {
    element,
    update(part) {
      if (part.type !== "reasoning") return
      const isWhole = part.state !== "streaming"
      setAttribute(element, "data-streaming", !isWhole)
      setText(label, words(isWhole ? "thoughts" : "thinking"))
      view.update(part.content, { isWhole })
    },
  }
}

/**
 * @param {Words} words
 * @param {AnswerHost} host
 * @param {string} name
 * @returns {PartView}
 */
function toolPartView(words, host, name) {
  const view = new ToolCallView(words, host, name)
  return {
    element: view.element,
    update(part, message, client) {
      if (part.type !== "tool-call") return
      view.update(part, {
        result: resultOf(message, part.id),
        hasHandler: client.tools.has(part.name),
        tab: client.tab,
        isResolving: isResolving(part.interrupt, client),
      })
    },
  }
}

/**
 * @param {import("./types.js").Interrupt | null | undefined} interrupt
 * @param {ClientShape} client
 */
export function isResolving(interrupt, client) {
  return interrupt ? client.isResolving(interrupt.id) : false
}

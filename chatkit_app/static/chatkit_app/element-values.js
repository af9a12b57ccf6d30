// JSON as people read it: the names and values of an object in a list, anything else as it is.

import { h, KeyedChildren, setAttribute, setText } from "./element-dom.js"
import { isObject } from "./element-fields.js"
import { prettyJson, toolTitle } from "./element-tool-words.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {{ element: HTMLElement, update: (value: unknown) => void }} ValueView */

/**
 * A value in words; null where only JSON can tell it. What is one level deeper stands in one line.
 *
 * @param {unknown} value
 * @param {Words} words
 * @returns {string | null}
 */
export function plainText(value, words) {
  const text = leafText(value, words)
  if (text !== null) return text
  if (!Array.isArray(value)) return lineOf(value, words)
  const leaves = value.map((item) => leafText(item, words))
  if (!leaves.includes(null)) return leaves.join(", ")
  const lines = value.map((item) => leafText(item, words) ?? lineOf(item, words))
  return lines.includes(null) ? null : lines.join("\n")
}

/** @param {unknown} value @param {Words} words @returns {string | null} */
function leafText(value, words) {
  if (value === null || value === undefined || value === "") return words("none")
  if (typeof value === "boolean") return words(value ? "yes" : "no")
  if (typeof value === "string") return value
  if (typeof value === "number") return String(value)
  return Array.isArray(value) && value.length === 0 ? words("none") : null
}

/** `{"sku": "A", "quantity": 1}` → `sku: A, quantity: 1`. @param {unknown} value @param {Words} words */
function lineOf(value, words) {
  if (!isObject(value)) return null
  const told = Object.entries(value).map(([name, item]) => [
    name,
    leafText(item, words),
  ])
  if (told.some(([, text]) => text === null)) return null
  return told.map(([name, text]) => `${name}: ${text}`).join(", ") || words("none")
}

/** A value that may still grow: what has not changed is not drawn again. */
export class ValuesView {
  element = h("div", { class: "values", hidden: true })
  #list = h("dl")
  #text = h("p", { class: "values-text", hidden: true }, h("bdi"))
  #words
  #rows
  /** @type {unknown} */
  #drawn

  /**
   * @param {Words} words
   * @param {(name: string, otherwise: string) => string} nameOf a value's name in words
   * @param {(name: string) => string} [helpOf] what is said below a value; empty for nothing
   */
  constructor(words, nameOf, helpOf = () => "") {
    this.#words = words
    /** @type {KeyedChildren<[string, unknown], ValueView>} */
    this.#rows = new KeyedChildren(this.#list, ([name]) =>
      rowView(nameOf(name, toolTitle(name)), helpOf(name), words),
    )
    this.element.append(this.#list, this.#text)
  }

  /** @param {unknown} value undefined or null: there is nothing to show */
  update(value) {
    if (value === this.#drawn) return
    this.#drawn = value
    const entries = isObject(value) ? Object.entries(value) : []
    const isText = !isObject(value) && value !== null && value !== undefined
    this.element.hidden = entries.length === 0 && !isText
    this.#list.hidden = entries.length === 0
    this.#text.hidden = !isText
    if (isText) tell(this.#text, value, this.#words)
    this.#rows.render(
      entries,
      ([name]) => name,
      (row, [, item]) => row.update(item),
    )
  }
}

/**
 * @param {string} name
 * @param {string} help
 * @param {Words} words
 * @returns {ValueView}
 */
function rowView(name, help, words) {
  const told = h("dd", {}, h("bdi"))
  const element = h(
    "div",
    { class: "value" },
    h("dt", {}, h("bdi", {}, name)),
    told,
    help ? h("dd", { class: "field-help", dir: "auto" }, help) : null,
  )
  return {
    element,
    update: (value) => tell(told, value, words),
  }
}

/**
 * The text has a direction of its own, and stands where the page's direction puts it.
 *
 * @param {HTMLElement} element has one child, which holds the text
 * @param {unknown} value
 * @param {Words} words
 */
function tell(element, value, words) {
  const text = plainText(value, words)
  element.classList.toggle("json", text === null)
  setAttribute(element, "dir", text === null ? "ltr" : null)
  setText(element.firstChild ?? element, text ?? prettyJson(value))
}

// A Django form that the server has drawn: its HTML is sanitised here and nowhere else, and what is
// filled in goes back by the names of its fields.

import { h, setAttribute } from "./element-dom.js"
import { FieldErrors } from "./element-field-errors.js"
import { inputOf, sortErrors } from "./element-fields.js"
import createPurifier from "./vendor/dompurify/purify.es.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-fields.js").AnswerError} AnswerError */
/** @typedef {import("./element-schema-form.js").AnswerForm} AnswerForm */
/** @typedef {import("./types.js").Json} Json */
/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

const CONTROLS = "input, select, textarea"
const ATTRIBUTES =
  "checked class cols dir disabled for id inputmode label lang max maxlength min minlength multiple name placeholder readonly required role rows selected size step title type value".split(
    " ",
  )
const ALLOWED = Object.freeze({
  ALLOWED_TAGS:
    "a br code div em fieldset h4 h5 h6 input label legend li ol optgroup option p select small span strong table tbody td textarea th thead tr ul".split(
      " ",
    ),
  ADD_FORBID_CONTENTS: ["button"], // its words would stand there, and do nothing
  ALLOWED_ATTR: [...ATTRIBUTES, "href"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ATTRIBUTES, // they hold no addresses
  ALLOW_ARIA_ATTR: true,
  ALLOW_DATA_ATTR: false,
  // A field may be called "name" or "title". Nothing here asks a form for its properties, and ids
  // inside a shadow tree are no properties of the document.
  SANITIZE_DOM: false,
  RETURN_DOM_FRAGMENT: /** @type {const} */ (true),
})
// Those that send a form, hide what they hold or open a file are not among them.
const INPUT_TYPES =
  "checkbox color date datetime-local email hidden month number radio range search tel text time url week".split(
    " ",
  )
/** Of Django's own; any other class could dress as something of the chat's. */
const CLASSES = Object.freeze(["errorlist", "helptext", "nonfield"])
const REFERENCES = Object.freeze(["aria-describedby", "aria-labelledby", "for", "id"])

/** @type {import("./vendor/dompurify/purify.es.js").DOMPurify | null} */
let purifier = null

function purify() {
  if (purifier) return purifier
  purifier = createPurifier(window)
  purifier.addHook("afterSanitizeAttributes", (node) => {
    setAttribute(node, "class", classesOf(node))
    if (node.localName === "a") {
      node.setAttribute("target", "_blank")
      node.setAttribute("rel", "noopener noreferrer nofollow")
    }
    if (node.localName !== "input") return
    const type = (node.getAttribute("type") ?? "text").toLowerCase()
    if (!INPUT_TYPES.includes(type)) node.remove()
  })
  return purifier
}

/** @param {Element} node */
function classesOf(node) {
  return [...node.classList].filter((name) => CLASSES.includes(name)).join(" ") || null
}

/**
 * @param {string} html
 * @returns {DocumentFragment}
 */
function sanitise(html) {
  if (purify().isSupported) return purify().sanitize(html, ALLOWED)
  const fragment = document.createDocumentFragment()
  fragment.append(html) // an old browser sees the source, as text
  return fragment
}

/** @implements {AnswerForm} */
export class DjangoForm {
  element = h("div", { class: "fields django", dir: "auto" })
  #words
  #errors
  /** @type {Control[]} */
  #controls

  /**
   * @param {Words} words
   * @param {string} html
   * @param {string} prefix of the ids: two forms may well have the same ones
   */
  constructor(words, html, prefix) {
    this.#words = words
    this.#errors = new FieldErrors(prefix)
    this.element.append(sanitise(html))
    for (const node of this.element.querySelectorAll("*")) prefixIds(node, prefix)
    this.#controls = [...this.element.querySelectorAll(CONTROLS)].map(
      (control) => /** @type {Control} */ (control),
    )
    // A radio button that is copied while its name is taken off and put back forgets that it was chosen.
    for (const control of this.#controls) {
      if (control instanceof HTMLInputElement) control.checked = control.defaultChecked
    }
  }

  focus() {
    this.#controls.find(({ type }) => type !== "hidden")?.focus()
  }

  read() {
    this.#errors.clear()
    for (const control of this.#controls) this.#look(control)
    this.#errors.focusFirst()
    return this.#errors.isEmpty ? this.#values() : undefined
  }

  /** @param {readonly AnswerError[]} errors */
  show(errors) {
    this.#errors.clear()
    const names = this.#controls.map(({ name }) => name).filter(Boolean)
    const { at, rest } = sortErrors(
      errors.map((error) => ({ ...error, field: inputOf(error.field, names) })),
      names,
    )
    for (const { name, message } of at) {
      const control = this.#controls.find((found) => found.name === name)
      if (control?.type === "hidden") rest.push(message)
      else if (control) this.#errors.mark(control, boxOf(control), message)
    }
    this.#errors.focusFirst()
    return rest
  }

  /**
   * Only what the server could not tell: the rest it says itself, in its own language.
   *
   * @param {Control} control
   */
  #look(control) {
    const { valueMissing, badInput } = control.validity
    if (!valueMissing && !badInput) return
    const first = this.#controls.find(({ name }) => name === control.name) ?? control
    if (control.type === "radio" && control !== first) return
    const text = valueMissing ? this.#words("fieldRequired") : control.validationMessage
    this.#errors.mark(control, boxOf(control), text)
  }

  /** A text for each name, a list where a name comes more than once. */
  #values() {
    const entries = this.#controls.flatMap(entriesOf)
    /** @type {Map<string, string[]>} */
    const values = new Map()
    for (const [name, value] of entries)
      values.set(name, [...(values.get(name) ?? []), value])
    return /** @type {Json} */ (
      Object.fromEntries(
        [...values].map(([name, all]) => [name, all.length > 1 ? all : (all[0] ?? "")]),
      )
    )
  }
}

/**
 * As the browser would send it.
 *
 * @param {Control} control
 * @returns {[string, string][]}
 */
function entriesOf(control) {
  const { name } = control
  if (name === "" || control.matches(":disabled")) return []
  if (control instanceof HTMLSelectElement)
    return [...control.selectedOptions]
      .filter((option) => !option.disabled)
      .map(({ value }) => [name, value])
  const isBox = control.type === "checkbox" || control.type === "radio"
  if (isBox && control instanceof HTMLInputElement && !control.checked) return []
  return [[name, control.value]]
}

/** @param {Element} node @param {string} prefix */
function prefixIds(node, prefix) {
  for (const attribute of REFERENCES) {
    const ids = node.getAttribute(attribute)?.split(/\s+/).filter(Boolean) ?? []
    if (ids.length)
      setAttribute(node, attribute, ids.map((id) => `${prefix}-${id}`).join(" "))
  }
}

/** @param {Control} control @returns {HTMLElement} */
function boxOf(control) {
  const isOneOfMany = control.type === "radio" || control.type === "checkbox"
  const group = isOneOfMany ? control.closest(".django fieldset") : null
  const box = group ?? control.closest(".django p, .django td, .django div")
  return /** @type {HTMLElement} */ (box ?? control.parentElement)
}

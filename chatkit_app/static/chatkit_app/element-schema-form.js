// A form that a JSON Schema asks for: the arguments of a call to change, or the answer to a question.

import { h } from "./element-dom.js"
import { FieldErrors } from "./element-field-errors.js"
import {
  chosenOf,
  fieldsOf,
  isFewChoices,
  readField,
  sortErrors,
  textOf,
} from "./element-fields.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-fields.js").AnswerError} AnswerError */
/** @typedef {import("./element-fields.js").Field} Field */
/** @typedef {import("./types.js").Json} Json */
/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */
/** @typedef {import("./element-fields.js").Raw} Raw */

/**
 * @typedef {object} Row
 * @property {Field} field
 * @property {HTMLElement} control where the focus goes, and where it is said what is wrong
 * @property {HTMLElement} box
 * @property {() => Raw} read
 */

/**
 * A form of either kind, by a schema or by Django.
 *
 * @typedef {object} AnswerForm
 * @property {HTMLElement} element
 * @property {() => void} focus
 * @property {() => Json | undefined} read undefined where something is wrong, which is shown then
 * @property {(errors: readonly AnswerError[]) => string[]} show marks the fields, focuses the first, and gives back what belongs to none
 */

/** @implements {AnswerForm} */
export class SchemaForm {
  element = h("div", { class: "fields" })
  #words
  #errors
  /** @type {Row[]} */
  #rows

  /**
   * @param {Words} words
   * @param {object} options
   * @param {unknown} options.schema
   * @param {Json | undefined} options.initial
   * @param {string} options.prefix of the ids, which nothing else in the element has
   * @param {(name: string, otherwise: string) => string} options.label
   */
  constructor(words, { schema, initial, prefix, label }) {
    this.#words = words
    this.#errors = new FieldErrors(prefix)
    this.#rows = fieldsOf(schema, initial).map((field, place) => {
      const named = { ...field, label: label(field.name, field.label) }
      return drawField(words, named, `${prefix}-${place}`)
    })
    this.element.append(...this.#rows.map(({ box }) => box))
  }

  focus() {
    this.#rows[0]?.control.focus()
  }

  read() {
    this.#errors.clear()
    /** @type {{ [name: string]: Json }} */
    const answer = {}
    for (const { field, control, box, read } of this.#rows) {
      const reading = readField(field, read())
      if ("problem" in reading)
        this.#errors.mark(control, box, this.#words(reading.problem, reading.values))
      else if ("value" in reading && field.name === "") return reading.value
      // A field may well be called `__proto__`.
      else if ("value" in reading) define(answer, field.name, reading.value)
    }
    this.#errors.focusFirst()
    return this.#errors.isEmpty ? answer : undefined
  }

  /** @param {readonly AnswerError[]} errors */
  show(errors) {
    this.#errors.clear()
    const { at, rest } = sortErrors(
      errors,
      this.#rows.map(({ field }) => field.name),
    )
    for (const { name, message } of at) {
      const row = this.#rows.find(({ field }) => field.name === name)
      if (row) this.#errors.mark(row.control, row.box, message)
    }
    this.#errors.focusFirst()
    return rest
  }
}

/** @param {{ [name: string]: Json }} answer @param {string} name @param {Json} value */
function define(answer, name, value) {
  const itself = { configurable: true, enumerable: true, writable: true }
  Object.defineProperty(answer, name, { ...itself, value })
}

/**
 * @param {Words} words
 * @param {Field} field
 * @param {string} id
 * @returns {Row}
 */
function drawField(words, field, id) {
  if (field.kind === "several") return drawSeveral(words, field, id)
  if (isFewChoices(field)) return drawFew(words, field, id)
  const control = drawControl(words, field)
  control.id = id
  const note = drawHelp(words, field, control)
  if (control instanceof HTMLInputElement && field.kind === "boolean") {
    const line = boxLine(control, field.label)
    const box = h("div", { class: "field" }, line, note)
    return { field, control, box, read: () => control.checked }
  }
  if (field.isRequired) control.setAttribute("aria-required", "true")
  const label = h("label", { for: id, dir: "auto" }, ...labelOf(words, field))
  const box = h("div", { class: "field" }, label, control, note)
  return { field, control, box, read: () => control.value }
}

/** @param {Words} words @param {Field} field @param {string} id @returns {Row} */
function drawSeveral(words, field, id) {
  const chosen = chosenOf(field)
  const boxes = field.choices.map((_choice, place) => {
    const value = String(place)
    const checked = chosen.includes(value)
    return h("input", { type: "checkbox", id: `${id}-${place}`, value, checked })
  })
  const box = h(
    "fieldset",
    { class: "field" },
    h("legend", { dir: "auto" }, ...labelOf(words, field)),
    ...boxes.map((one, place) => boxLine(one, field.choices[place]?.label ?? "")),
  )
  const control = boxes[0] ?? box
  const note = drawHelp(words, field, control)
  if (note) box.append(note)
  const read = () => boxes.filter(({ checked }) => checked).map(({ value }) => value)
  return { field, control, box, read }
}

/** One of a few, all of them in sight. @param {Words} words @param {Field} field @param {string} id @returns {Row} */
function drawFew(words, field, id) {
  const chosen = textOf(field)
  const boxes = field.choices.map((_choice, place) => {
    const value = String(place)
    const checked = value === chosen
    return h("input", { type: "radio", id: `${id}-${place}`, name: id, value, checked })
  })
  const lines = boxes.map((one, place) =>
    boxLine(one, choiceLabel(words, field, place)),
  )
  const box = h(
    "fieldset",
    { class: "field", role: "radiogroup", "aria-required": "true" },
    h("legend", { dir: "auto" }, ...labelOf(words, field)),
    h("div", { class: "field-few" }, ...lines),
  )
  const control = boxes.find(({ checked }) => checked) ?? boxes[0] ?? box
  const note = drawHelp(words, field, control)
  if (note) box.append(note)
  const read = () => boxes.find(({ checked }) => checked)?.value ?? ""
  return { field, control, box, read }
}

/** @param {Words} words @param {Field} field @param {number} place */
function choiceLabel(words, { choices }, place) {
  const { value, label } = choices[place] ?? { value: null, label: "" }
  return typeof value === "boolean" ? words(value ? "yes" : "no") : label
}

/** @param {HTMLInputElement} control @param {string} label */
function boxLine(control, label) {
  const words = h("label", { for: control.id, dir: "auto" }, label)
  return h("div", { class: "field-box" }, control, words)
}

/** @param {Words} words @param {Field} field */
function labelOf(words, { label, isRequired }) {
  const text = label || words("answerLabel")
  if (isRequired) return [text]
  return [text, h("span", { class: "field-optional" }, ` ${words("fieldOptional")}`)]
}

/** @param {Words} words @param {Field} field @param {HTMLElement} control */
function drawHelp(words, field, control) {
  const help = field.kind === "json" ? jsonHelp(words, field) : field.help
  if (!help) return null
  const id = `${control.id}-help`
  control.setAttribute("aria-describedby", id)
  return h("p", { class: "field-help", id, dir: "auto" }, help)
}

/** @param {Words} words @param {Field} field */
function jsonHelp(words, { help }) {
  return [help, words("fieldAsJson")].filter(Boolean).join(" ")
}

/**
 * @param {Words} words
 * @param {Field} field
 * @returns {Control}
 */
function drawControl(words, field) {
  const { kind, type } = field
  if (kind === "boolean")
    return h("input", { type: "checkbox", checked: field.initial === true })
  if (kind === "choice") return drawChoice(words, field)
  if (kind === "json" || kind === "lines") {
    const isJson = kind === "json"
    const area = h("textarea", {
      class: isJson ? "json" : null,
      rows: isJson ? 5 : 3,
      dir: isJson ? "ltr" : "auto",
      spellcheck: isJson ? "false" : null,
      maxlength: isJson ? null : field.length,
    })
    area.value = textOf(field)
    return area
  }
  const isNumber = kind !== "text"
  const input = h("input", {
    type: isNumber ? "text" : type,
    inputmode: isNumber ? (kind === "integer" ? "numeric" : "decimal") : null,
    dir: isNumber ? "ltr" : "auto",
    autocomplete: "off",
    maxlength: isNumber ? null : field.length,
  })
  input.value = textOf(field)
  return input
}

/** @param {Words} words @param {Field} field */
function drawChoice(words, field) {
  const chosen = textOf(field)
  const select = h("select", { dir: "auto" })
  if (!field.isRequired || field.isNullable || chosen === "")
    select.append(h("option", { value: "" }, words("fieldChoose")))
  field.choices.forEach((_choice, place) => {
    const text = choiceLabel(words, field, place)
    select.append(h("option", { value: String(place) }, text))
  })
  select.value = chosen
  return select
}

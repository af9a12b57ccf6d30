// What a JSON Schema asks of a person, field by field: a pure reading of the schema and of what was
// typed. Plain fields only: whatever is nested or has several shapes is written as JSON.

import { toolTitle } from "./element-tool-words.js"

/** @typedef {import("./types.js").Json} Json */
/** @typedef {{ [key: string]: any }} Schema as it came: nobody has checked it */
/** @typedef {{ field: string, message: string }} AnswerError `field` is a path, "" for the whole */

/**
 * @typedef {object} Field
 * @property {string} name "" for the one field that is the whole answer
 * @property {string} label
 * @property {string} help
 * @property {"text" | "lines" | "number" | "integer" | "decimal" | "boolean" | "choice" | "several" | "json"} kind
 * @property {string} type of the input, where the kind is "text"
 * @property {boolean} isRequired
 * @property {boolean} isNullable
 * @property {boolean} isAdded what is changed has no value of it: what it shows is a default
 * @property {Json | undefined} initial
 * @property {readonly { value: Json, label: string }[]} choices
 * @property {number | null} min the least number
 * @property {number | null} max the greatest number
 * @property {number | null} length of a text at most, in characters
 */

/** @typedef {string | boolean | string[]} Raw of a box whether it is ticked, of choices their places */
/** @typedef {{ problem: string, values?: { limit: number } }} Problem names words, and what stands in them */
/** @typedef {{ value: Json } | { isLeftOut: true } | Problem} Reading */

const DEPTH = 8 // of references that lead to each other
const LONG_CHARS = 120
const TYPES = Object.freeze({
  date: { type: "date", fits: /^\d{4}-\d\d-\d\d$/ },
  time: { type: "time", fits: /^\d\d:\d\d(:\d\d)?$/ },
  "date-time": {
    type: "datetime-local",
    fits: /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/,
  },
  email: { type: "email", fits: /^/ },
  uri: { type: "url", fits: /^/ },
})

/**
 * The fields of an object's schema; anything else is one field of JSON without a name.
 *
 * @param {unknown} schema
 * @param {Json | undefined} initial
 * @returns {Field[]}
 */
export function fieldsOf(schema, initial) {
  const root = isObject(schema) ? schema : {}
  const whole = plain(root, root)
  const properties = isObject(whole.properties) ? whole.properties : null
  /** @type {Schema} */
  const given = isObject(initial) ? initial : {}
  const isFlat =
    properties !== null &&
    Object.keys(properties).length > 0 &&
    (initial === undefined || initial === null || isObject(initial)) &&
    // What no field is for would be lost.
    Object.keys(given).every((name) => Object.hasOwn(properties, name))
  if (!isFlat)
    return [field("", {}, root, { initial, isRequired: true, isAdded: false })]
  const required = Array.isArray(whole.required) ? whole.required : []
  return Object.entries(properties).map(([name, property]) =>
    field(name, property, root, {
      initial: Object.hasOwn(given, name) ? given[name] : undefined,
      isRequired: required.includes(name),
      isAdded: isObject(initial) && !Object.hasOwn(given, name),
    }),
  )
}

/**
 * @param {string} name
 * @param {Schema} property
 * @param {Schema} root
 * @param {{ initial: any, isRequired: boolean, isAdded: boolean }} given
 * @returns {Field}
 */
function field(name, property, root, { initial, isRequired, isAdded }) {
  const read = plain(property, root)
  const value = initial === undefined ? read.default : initial
  const isList = read.type === "array"
  const choices = choicesOf(isList ? plain(read.items, root) : read)
  const { kind, type } = kindOf(read, choices, value)
  return {
    name,
    label: labelOf(name, read.title),
    help: typeof read.description === "string" && name ? read.description : "",
    kind,
    type,
    isRequired,
    isNullable: read.isNullable === true,
    isAdded,
    initial: value,
    choices,
    min: numberOf(read.minimum),
    max: numberOf(read.maximum),
    length: numberOf(read.maxLength),
  }
}

/**
 * One schema with its references followed, and "or null" taken off it as `isNullable`.
 *
 * @param {unknown} schema
 * @param {Schema} root
 * @param {number} [depth]
 * @returns {Schema}
 */
function plain(schema, root, depth = 0) {
  if (!isObject(schema) || depth > DEPTH) return {}
  const { $ref, allOf, anyOf, oneOf, ...own } = schema
  if (typeof $ref === "string")
    return { ...plain(found($ref, root), root, depth + 1), ...own }
  if (Array.isArray(allOf) && allOf.length === 1)
    return { ...plain(allOf[0], root, depth + 1), ...own }
  if (Array.isArray(own.type) && own.type.includes("null")) {
    const types = own.type.filter((type) => type !== "null")
    const type = types.length === 1 ? types[0] : types
    return { ...own, type, isNullable: true }
  }
  const shapes = anyOf ?? oneOf
  if (!Array.isArray(shapes)) return own
  const others = shapes.filter((shape) => shape?.type !== "null")
  const isNullable = others.length < shapes.length
  if (others.length !== 1) return { ...own, shapes: others, isNullable }
  return { ...plain(others[0], root, depth + 1), ...own, isNullable }
}

/** @param {string} reference @param {Schema} root */
function found(reference, root) {
  /** @type {any} */
  let at = root
  for (const key of reference.replace(/^#\/?/, "").split("/")) {
    at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined
  }
  return at
}

/** @param {unknown} value */
function numberOf(value) {
  return typeof value === "number" ? value : null
}

/** @param {Schema} schema @returns {{ value: Json, label: string }[]} */
function choicesOf({ enum: values, const: constant, shapes, type, isNullable }) {
  if (Array.isArray(values)) return values.filter((value) => value !== null).map(choice)
  if (constant !== undefined) return [choice(constant)]
  if (
    shapes?.length &&
    shapes.every((/** @type {unknown} */ one) => isObject(one) && "const" in one)
  )
    return shapes.map((/** @type {Schema} */ one) => choice(one.const, 0, one.title))
  if (type === "boolean" && isNullable) return [choice(true), choice(false)]
  return []
}

/**
 * @param {any} value
 * @param {number} [_place]
 * @param {unknown} [title]
 */
function choice(value, _place, title) {
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return { value, label: typeof title === "string" ? title : text }
}

/**
 * @param {Schema} schema
 * @param {readonly unknown[]} choices
 * @param {unknown} value
 * @returns {Pick<Field, "kind" | "type">}
 */
function kindOf(schema, choices, value) {
  const { type } = schema
  const isList = type === "array" && (value === undefined || Array.isArray(value))
  if (choices.length && (isList || type !== "array"))
    return { kind: isList ? "several" : "choice", type: "" }
  if (type === "number" || type === "integer" || type === "boolean")
    return { kind: type, type: "" }
  if (type === "string") return kindOfText(schema, value)
  const types = (schema.shapes ?? []).map((/** @type {Schema} */ one) => one?.type)
  // A decimal travels as a number or as a text of digits.
  if (types.sort().join() === "number,string") return { kind: "decimal", type: "" }
  return { kind: "json", type: "" }
}

/** @param {Schema} schema @param {unknown} value @returns {Pick<Field, "kind" | "type">} */
function kindOfText({ format, maxLength }, value) {
  const known = Object.entries(TYPES).find(([name]) => name === format)?.[1]
  const text = typeof value === "string" ? value : ""
  if (known && (text === "" || known.fits.test(text)))
    return { kind: "text", type: known.type }
  const isLong = maxLength > LONG_CHARS || text.length > LONG_CHARS || /\n/.test(text)
  return isLong ? { kind: "lines", type: "" } : { kind: "text", type: "text" }
}

/** A title that was only made from the name says less than ours. @param {string} name @param {unknown} title */
function labelOf(name, title) {
  const isMade =
    typeof title !== "string" ||
    title.replace(/\s+/g, "_").toLowerCase() === name.toLowerCase()
  return isMade ? toolTitle(name) : title
}

const FEW_CHOICES = 4
const SHORT_CHARS = 24

/**
 * Are the choices so few and short that all of them may be seen at once? Only where one of them will
 * be taken: a radio button can't be put back.
 *
 * @param {Field} field
 */
export function isFewChoices(field) {
  const { kind, choices, isRequired, isNullable } = field
  return (
    kind === "choice" &&
    (isRequired || textOf(field) !== "") &&
    !isNullable &&
    choices.length > 1 &&
    choices.length <= FEW_CHOICES &&
    choices.every(({ label }) => label.length <= SHORT_CHARS)
  )
}

/**
 * What a field shows at first.
 *
 * @param {Field} field
 * @returns {string} of a choice: its place in the list
 */
export function textOf({ kind, initial, choices, isRequired }) {
  if (kind === "choice") {
    const isOnlyOne = choices.length === 1 && isRequired && initial === undefined
    const place = choices.findIndex(({ value }) => isOnlyOne || value === initial)
    return place < 0 ? "" : String(place)
  }
  if (initial === undefined || initial === null) return ""
  if (kind === "json") return JSON.stringify(initial, null, 2)
  return typeof initial === "string" ? initial : JSON.stringify(initial)
}

/**
 * The places of what is chosen at first, where several things can be.
 *
 * @param {Field} field
 * @returns {string[]}
 */
export function chosenOf({ initial, choices }) {
  const values = Array.isArray(initial) ? initial : []
  return choices.flatMap(({ value }, place) =>
    values.includes(value) ? [String(place)] : [],
  )
}

/**
 * What was typed, as the value that is sent.
 *
 * @param {Field} field
 * @param {Raw} raw
 * @returns {Reading}
 */
export function readField(field, raw) {
  if (isLeftAlone(field, raw)) return { isLeftOut: true }
  if (typeof raw === "boolean") return { value: raw }
  if (typeof raw !== "string")
    return { value: raw.map((place) => field.choices[Number(place)]?.value ?? null) }
  const text = field.kind === "text" || field.kind === "lines" ? raw : raw.trim()
  if (text.trim() === "") return readNothing(field, text)
  switch (field.kind) {
    case "choice":
      return { value: field.choices[Number(text)]?.value ?? null }
    case "number":
    case "integer":
    case "decimal":
      return readNumber(field, text.replace(/^([+-]?\d*),(\d+)$/, "$1.$2"))
    case "json":
      return readJson(text)
    default:
      return { value: text }
  }
}

/** What nobody has added is left as it was. @param {Field} field @param {Raw} raw */
function isLeftAlone(field, raw) {
  if (field.isRequired || !field.isAdded) return false
  if (typeof raw === "boolean") return raw === (field.initial === true)
  return (
    String(raw) === (typeof raw === "string" ? textOf(field) : String(chosenOf(field)))
  )
}

/** @param {Field} field @param {string} text @returns {Reading} */
function readNothing({ kind, isRequired, isNullable, initial }, text) {
  if (isNullable) return { value: null }
  const isText = kind === "text" || kind === "lines"
  if (isText && initial !== undefined && (initial === "" || !isRequired))
    return { value: text }
  return isRequired ? { problem: "fieldRequired" } : { isLeftOut: true }
}

/** @param {Field} field @param {string} text @returns {Reading} */
function readNumber({ kind, min, max }, text) {
  const value = Number(text)
  if (!Number.isFinite(value)) return { problem: "fieldNumber" }
  if (kind === "integer" && !Number.isInteger(value)) return { problem: "fieldInteger" }
  if (min !== null && value < min)
    return { problem: "fieldMin", values: { limit: min } }
  if (max !== null && value > max)
    return { problem: "fieldMax", values: { limit: max } }
  return { value: kind === "decimal" ? text : value }
}

/** @param {string} text @returns {Reading} */
function readJson(text) {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { problem: "fieldJson" }
  }
}

/**
 * Which error belongs to which field: a path leads to its first name; what fits nowhere is the rest.
 *
 * @param {readonly AnswerError[]} errors
 * @param {readonly string[]} names of the fields
 * @returns {{ at: { name: string, message: string }[], rest: string[] }}
 */
export function sortErrors(errors, names) {
  /** @type {{ name: string, message: string }[]} */
  const at = []
  /** @type {string[]} */
  const rest = []
  for (const { field: path, message } of errors) {
    const name = names.includes("") ? "" : nameIn(path, names)
    const inside = name === null ? path : path.slice(name.length).replace(/^\./, "")
    const text = inside === "" ? message : `${inside}: ${message}`
    if (name === null) rest.push(text)
    else at.push({ name, message: text })
  }
  return { at, rest }
}

/** What Django's widgets of several inputs put behind the field's name. */
const WIDGET_SUFFIX = /^_(\d+|day|month|year)$/

/**
 * The input at which a Django field's errors are told: `when` may be asked by `when_0` and `when_1`,
 * or by `when_day` and its like, and a field beside it may be called `when_note`.
 *
 * @param {string} field
 * @param {readonly string[]} names of the inputs
 */
export function inputOf(field, names) {
  if (field === "" || names.includes(field)) return field
  const near = names.filter((name) => name.startsWith(`${field}_`))
  const own = near.find((name) => WIDGET_SUFFIX.test(name.slice(field.length)))
  return own ?? near[0] ?? field
}

/** @param {string} path @param {readonly string[]} names */
function nameIn(path, names) {
  if (names.includes(path)) return path
  const first = path.split(".")[0] ?? ""
  return first !== "" && names.includes(first) ? first : null
}

/** @param {unknown} value @returns {value is { [key: string]: any }} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

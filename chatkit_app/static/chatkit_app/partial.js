/** What a JSON text says as far as it has come: for pages that show arguments while they stream. */

/**
 * @import { AnyCall } from "./typed.js"
 * @import { Json } from "./types.js"
 */

/** Deeper values are left out: nobody previews them, and a stack has an end. */
const MAX_DEPTH = 100

const SPACE = /[ \t\n\r]*/y
const PLAIN = /[^"\\]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y
const NUMERAL = /[-+.\deE]+/y
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/
const LITERAL = /true|false|null/y
const HALF_PAIR = /[\ud800-\udbff]$/

/** @type {Readonly<Record<string, Json>>} */
const LITERALS = { true: true, false: false, null: null }

/** @type {WeakMap<AnyCall, Json | undefined>} a part that changes is another object */
const known = new WeakMap()

/**
 * The input of a call, or what its arguments say of it so far: texts as far as they go, without names
 * and numbers that are not complete. Undefined while there is nothing. It is read once for each part.
 *
 * @param {AnyCall} part a call's, of whatever tool
 * @returns {Json | undefined} not to be changed
 */
export function partialInput(part) {
  if (part.input !== null) return /** @type {Json} */ (part.input)
  if (!known.has(part)) known.set(part, readPartial(part.arguments))
  return known.get(part)
}

/**
 * Never throws: what comes after a mistake is not read.
 *
 * @param {string} text
 * @returns {Json | undefined}
 */
export function readPartial(text) {
  return new Reader(text).value(0)
}

class Reader {
  /** Is it at an end, or at something that is no JSON? Then nobody reads on. */
  #isOver = false
  #at = 0
  #text

  /** @param {string} text */
  constructor(text) {
    this.#text = text
  }

  /** @param {number} depth @returns {Json | undefined} */
  value(depth) {
    const char = this.#peek()
    if (char === '"') return this.#string()
    if (char === "{" || char === "[") {
      if (depth === MAX_DEPTH) return this.#stop(undefined)
      return char === "{" ? this.#object(depth + 1) : this.#array(depth + 1)
    }
    return this.#scalar()
  }

  /** @param {number} depth */
  #object(depth) {
    /** @type {{ [key: string]: Json }} */
    const found = {}
    this.#at += 1
    if (this.#peek() === "}") return this.#past(found)
    while (!this.#isOver) {
      if (this.#peek() !== '"') return this.#stop(found)
      const key = this.#string()
      if (this.#isOver || this.#peek() !== ":") return this.#stop(found)
      this.#at += 1
      const value = this.value(depth)
      if (value !== undefined) put(found, key, value)
      if (this.#endsAfterItem("}")) return found
    }
    return found
  }

  /** @param {number} depth */
  #array(depth) {
    /** @type {Json[]} */
    const found = []
    this.#at += 1
    if (this.#peek() === "]") return this.#past(found)
    while (!this.#isOver) {
      const value = this.value(depth)
      if (value !== undefined) found.push(value)
      if (this.#endsAfterItem("]")) return found
    }
    return found
  }

  /** @param {string} bracket that closes it */
  #endsAfterItem(bracket) {
    if (this.#isOver) return true
    const char = this.#peek()
    if (char !== "," && char !== bracket) return this.#stop(true)
    return this.#past(char === bracket)
  }

  #string() {
    let found = ""
    this.#at += 1
    for (;;) {
      found += this.#take(PLAIN)
      if (this.#text[this.#at] === '"') return this.#past(found)
      const escaped = this.#take(ESCAPE)
      // Half of a pair would be shown as a blot, until the other half is there.
      if (escaped === "") return this.#stop(found.replace(HALF_PAIR, ""))
      found += JSON.parse(`"${escaped}"`)
    }
  }

  /** A number at the end of the text may have more digits to come. @returns {Json | undefined} */
  #scalar() {
    const literal = this.#take(LITERAL)
    if (literal !== "") return LITERALS[literal]
    const numeral = this.#take(NUMERAL)
    const isWhole = this.#at < this.#text.length && NUMBER.test(numeral)
    return isWhole ? Number(numeral) : this.#stop(undefined)
  }

  /** The next character that is no space; it is not taken. */
  #peek() {
    this.#take(SPACE)
    return this.#text[this.#at]
  }

  /** @param {RegExp} pattern sticky */
  #take(pattern) {
    pattern.lastIndex = this.#at
    const [found = ""] = pattern.exec(this.#text) ?? []
    this.#at += found.length
    return found
  }

  /** One character further. @template T @param {T} found @returns {T} */
  #past(found) {
    this.#at += 1
    return found
  }

  /** @template T @param {T} found @returns {T} */
  #stop(found) {
    this.#isOver = true
    return found
  }
}

/**
 * As `JSON.parse` has it: a key of any name is the object's own.
 *
 * @param {{ [key: string]: Json }} object
 * @param {string} key
 * @param {Json} value
 */
function put(object, key, value) {
  const rest = { enumerable: true, configurable: true, writable: true }
  if (key === "__proto__") Object.defineProperty(object, key, { value, ...rest })
  else object[key] = value
}

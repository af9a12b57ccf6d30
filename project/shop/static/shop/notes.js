// The visitor's notes: texts in the browser's storage, the oldest first.

import { read, write } from "./storage.js"

const KEY = "shop:notes"

/** @returns {string[]} */
export function readNotes() {
  return read(KEY, isTexts, [])
}

/**
 * @param {string} text
 * @returns {string[]} all notes
 */
export function addNote(text) {
  return keep([...readNotes(), text])
}

/** Draws the list, where this page has one. */
export function drawNotes() {
  const list = document.getElementById("notes")
  const pattern = document.getElementById("note")
  const nothing = document.getElementById("no-notes")
  if (!list || !nothing || !(pattern instanceof HTMLTemplateElement)) return
  const notes = readNotes()
  nothing.hidden = notes.length > 0
  list.replaceChildren(...notes.map((text, index) => drawNote(pattern, text, index)))
}

/** Keep the page in step with its form, and with other tabs. */
export function watchNotes() {
  document.getElementById("note-form")?.addEventListener("submit", (event) => {
    event.preventDefault()
    const form = /** @type {HTMLFormElement} */ (event.target)
    const text = String(new FormData(form).get("text")).trim()
    if (text) addNote(text)
    form.reset()
  })
  addEventListener("storage", ({ key }) => {
    if (key === KEY) drawNotes()
  })
}

/**
 * @param {HTMLTemplateElement} pattern
 * @param {string} text
 * @param {number} index
 */
function drawNote(pattern, text, index) {
  const item = /** @type {DocumentFragment} */ (pattern.content.cloneNode(true))
  const [words, button] = [item.querySelector("p"), item.querySelector("button")]
  if (words) words.textContent = text
  button?.setAttribute("aria-label", `Delete: ${text.slice(0, 60)}`)
  button?.addEventListener("click", () => {
    keep(readNotes().filter((_, place) => place !== index))
    document.getElementById("note-text")?.focus()
  })
  return item
}

/** @param {string[]} notes */
function keep(notes) {
  write(KEY, notes)
  drawNotes()
  return notes
}

/**
 * @param {unknown} value
 * @returns {value is string[]}
 */
function isTexts(value) {
  return Array.isArray(value) && value.every((text) => typeof text === "string")
}

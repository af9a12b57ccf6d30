// What is selected in the page. Writing in the chat moves the browser's selection there; what was
// selected before is meant all the same, so it is remembered and stays marked.

export class SelectionMemory {
  #place
  #text = ""

  /** @param {HTMLElement} place only what is selected in here counts */
  constructor(place) {
    this.#place = place
    document.addEventListener("selectionchange", () => this.#look())
  }

  get text() {
    return this.#text
  }

  #look() {
    const selection = document.getSelection()
    if (!selection?.anchorNode || !this.#place.contains(selection.anchorNode)) return
    this.#text = selection.toString().trim()
    this.#mark(selection)
  }

  /** @param {Selection} selection */
  #mark(selection) {
    if (!("highlights" in CSS)) return
    if (this.#text === "") CSS.highlights.delete("kept")
    else CSS.highlights.set("kept", new Highlight(selection.getRangeAt(0).cloneRange()))
  }
}

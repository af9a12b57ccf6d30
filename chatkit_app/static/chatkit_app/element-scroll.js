// Where the reader is: at the bottom, and then kept there, or somewhere above, and then left alone.

const NEAR_PX = 48
/** Room above what the reader is taken to. */
const ABOVE_PX = 16

/** Who answers, edits or turns pages further up is not taken away from it. */
const HELD = ":is(.asking, .editing, .feedback, .branches):focus-within"

/** What the reader does to go elsewhere. */
const MOVES = Object.freeze(["wheel", "touchmove", "pointerdown", "keydown"])

export class BottomKeeper {
  #scroller
  #content
  #isAtBottom = true
  /** Where the reader was taken; while they stay there, so does it. @type {HTMLElement | null} */
  #shown = null
  #onChange
  #observer

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content grows inside it
   * @param {(isAtBottom: boolean) => void} onChange
   */
  constructor(scroller, content, onChange) {
    this.#scroller = scroller
    this.#content = content
    this.#onChange = onChange
    scroller.addEventListener("scroll", () => this.#look(), { passive: true })
    for (const type of MOVES)
      scroller.addEventListener(type, () => this.#leave(), { passive: true })
    this.#observer = new ResizeObserver(() => this.#keep())
    this.#observer.observe(content)
    this.#observer.observe(scroller)
  }

  get isAtBottom() {
    return this.#isAtBottom
  }

  /** @param {{ isSmooth?: boolean }} [options] */
  toBottom({ isSmooth = false } = {}) {
    this.#leave()
    this.#set(true)
    const behavior = isSmooth && !prefersLessMotion() ? "smooth" : "instant"
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior })
  }

  /**
   * Change what stands above the reader without moving what they read.
   *
   * @param {() => void} change
   */
  holdWhile(change) {
    const fromBottom = this.#scroller.scrollHeight - this.#scroller.scrollTop
    change()
    if (!this.#isAtBottom)
      this.#scroller.scrollTop = this.#scroller.scrollHeight - fromBottom
  }

  /**
   * What has come in the place of something else stands where that stood.
   *
   * @param {HTMLElement} element
   * @param {number} top where in the window
   */
  keepAt(element, top) {
    this.#scroller.scrollTop += element.getBoundingClientRect().top - top
    this.#look()
  }

  /**
   * The reader is taken to it. Pictures that come in late don't push it away.
   *
   * @param {HTMLElement} element
   */
  toElement(element) {
    this.#shown = element
    // The scroller alone: the page around is where its reader has it.
    this.keepAt(element, this.#scroller.getBoundingClientRect().top + ABOVE_PX)
  }

  #leave() {
    this.#shown = null
  }

  #keep() {
    if (this.#shown?.isConnected) return this.toElement(this.#shown)
    const isHeld = this.#content.querySelector(HELD) !== null
    if (this.#isAtBottom && !isHeld)
      this.#scroller.scrollTop = this.#scroller.scrollHeight
    else this.#look()
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller
    this.#set(scrollHeight - scrollTop - clientHeight < NEAR_PX)
  }

  /** @param {boolean} isAtBottom */
  #set(isAtBottom) {
    if (isAtBottom === this.#isAtBottom) return
    this.#isAtBottom = isAtBottom
    this.#onChange(isAtBottom)
  }
}

function prefersLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches
}

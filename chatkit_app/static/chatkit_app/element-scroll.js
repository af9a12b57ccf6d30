// Where the reader is: at the bottom, and then kept there, or somewhere above, and then left alone.

const NEAR_PX = 48

export class BottomKeeper {
  #scroller
  #isAtBottom = true
  #onChange
  #observer

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content grows inside it
   * @param {(isAtBottom: boolean) => void} onChange
   */
  constructor(scroller, content, onChange) {
    this.#scroller = scroller
    this.#onChange = onChange
    scroller.addEventListener("scroll", () => this.#look(), { passive: true })
    this.#observer = new ResizeObserver(() => this.#keep())
    this.#observer.observe(content)
    this.#observer.observe(scroller)
  }

  get isAtBottom() {
    return this.#isAtBottom
  }

  /** @param {{ isSmooth?: boolean }} [options] */
  toBottom({ isSmooth = false } = {}) {
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

  #keep() {
    if (this.#isAtBottom) this.#scroller.scrollTop = this.#scroller.scrollHeight
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

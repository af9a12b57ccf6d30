/** A viewer's threads as a page shows them: found, paged, kept fresh, and what is done with one. No DOM. */

/**
 * @import { Api, ThreadRow, ThreadsPage, ThreadsQuery } from "./api.js"
 */

/** @typedef {"threads" | "rename" | "pin" | "unpin" | "archive" | "unarchive" | "remove" | "restore"} Verbs */

/** Rows of a page. */
const PAGE = 20
/** As many as a server gives at once: what was read beyond is read again when it is asked for. */
const MOST = 100

/**
 * Events: `change` (anything that can be read here).
 *
 * One request at a time: what is asked for while one is on its way is asked when its answer is there,
 * once, as it then stands. So a search follows the writing as fast as the line allows, and no answer
 * overtakes another one.
 */
export class ThreadList extends EventTarget {
  /** The pinned ones, then the others; of a search all together. Newest activity first. @type {readonly ThreadRow[]} */
  rows = []
  search = ""
  isArchived = false
  /** Are there older ones? */
  hasMore = false
  /** Why the last answer did not come; null where it came. @type {unknown} */
  error = null
  /** What the rows were found by; null before the first answer. @type {string | null} */
  found = null
  #api
  #assistant
  /** @type {string | null} */
  #next = null
  /** @type {"all" | "more" | null} */
  #wanted = null
  #isAsking = false
  #pumped = Promise.resolve()

  /**
   * @param {Pick<Api, Verbs>} api
   * @param {string} assistant whose threads; empty for all
   */
  constructor(api, assistant) {
    super()
    this.#api = api
    this.#assistant = assistant
  }

  /** Is an answer awaited? */
  get isLoading() {
    return this.#isAsking
  }

  /** Is what is shown what was asked for? */
  get isFound() {
    return this.found === keyOf(this)
  }

  /** @param {string} text */
  searchFor(text) {
    if (text.trim() === this.search) return
    this.search = text.trim()
    this.refresh()
  }

  /** @param {boolean} isArchived */
  showArchived(isArchived) {
    if (isArchived === this.isArchived) return
    this.isArchived = isArchived
    this.rows = [] // an archived one is no current one, not even for a moment
    this.hasMore = false
    this.refresh()
  }

  /** Read again what is shown. */
  refresh() {
    this.#wanted = "all"
    return this.#pump()
  }

  /** The next page. */
  more() {
    if (this.#next === null) return Promise.resolve()
    this.#wanted ??= "more"
    return this.#pump()
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  async rename(id, title) {
    this.#put(await this.#api.rename(id, title))
  }

  /** Keep it at the top. @param {string} id */
  async pin(id) {
    this.#put(await this.#api.pin(id))
  }

  /** @param {string} id */
  async unpin(id) {
    this.#put(await this.#api.unpin(id))
  }

  /** Put it away. @param {string} id */
  async archive(id) {
    await this.#api.archive(id)
    this.#take(id)
  }

  /** @param {string} id */
  async unarchive(id) {
    await this.#api.unarchive(id)
    this.#take(id)
  }

  /** @param {string} id @returns {Promise<Date>} until when it can be taken back */
  async remove(id) {
    const { undoUntil } = await this.#api.remove(id)
    this.#take(id)
    return new Date(undoUntil)
  }

  /** Take a deletion back. @param {string} id */
  async restore(id) {
    await this.#api.restore(id)
    await this.refresh()
  }

  /** @param {ThreadRow} row */
  #put(row) {
    const rows = this.rows.map((old) => (old.id === row.id ? { ...old, ...row } : old))
    this.rows = this.search ? rows : [...pinnedOf(rows), ...othersOf(rows)]
    this.#changed()
    void this.refresh() // an answer that was on its way may still have it as it was
  }

  /** @param {string} id */
  #take(id) {
    this.rows = this.rows.filter((row) => row.id !== id)
    this.#changed()
    void this.refresh()
  }

  /** @returns {Promise<void>} when nothing is asked for any more */
  #pump() {
    if (!this.#isAsking) this.#pumped = this.#askAll()
    return this.#pumped
  }

  async #askAll() {
    this.#isAsking = true
    this.#changed()
    while (this.#wanted) await this.#ask(this.#wanted)
    this.#isAsking = false
    this.#changed()
  }

  /** @param {"all" | "more"} wanted */
  async #ask(wanted) {
    this.#wanted = null
    const key = keyOf(this)
    try {
      const [pinned, page] = await this.#read(wanted)
      if (key !== keyOf(this)) return // asked for something else meanwhile
      this.#took(wanted, pinned, page)
      this.found = key
      this.error = null
    } catch (error) {
      this.error = error
      if (!this.isFound) this.rows = []
    }
    this.#changed()
  }

  /**
   * What stands at the top, and a page of the others; a search finds them all together.
   *
   * @param {"all" | "more"} wanted
   * @returns {Promise<[readonly ThreadRow[], ThreadsPage]>}
   */
  async #read(wanted) {
    const query = this.#query(wanted)
    if (this.search) return [[], await this.#api.threads(query)]
    const others = this.#api.threads({ ...query, pinned: false })
    if (wanted === "more") return [pinnedOf(this.rows), await others]
    return Promise.all([this.#pinned(), others])
  }

  /** As many as stand at the top: more are found by a search. @returns {Promise<readonly ThreadRow[]>} */
  async #pinned() {
    const { assistant, search, status } = this.#query("all")
    const query = { assistant, search, status, pinned: true, size: MOST }
    return (await this.#api.threads(query)).threads
  }

  /** @param {"all" | "more"} wanted @returns {ThreadsQuery & { assistant: string, search: string, status: string }} */
  #query(wanted) {
    const { search, isArchived } = this
    const rows = search ? this.rows : othersOf(this.rows)
    const shown = this.isFound ? Math.ceil(rows.length / PAGE) * PAGE : 0
    return {
      assistant: this.#assistant,
      search,
      // A locked one can still be read: it stands where it stood.
      status: isArchived ? "archived" : "open,locked",
      ...(wanted === "more" && this.#next
        ? { cursor: this.#next, size: PAGE }
        : { size: Math.min(MOST, Math.max(PAGE, shown)) }),
    }
  }

  /**
   * @param {"all" | "more"} wanted
   * @param {readonly ThreadRow[]} pinned
   * @param {ThreadsPage} page
   */
  #took(wanted, pinned, { threads, next }) {
    // One that was pinned or moved between two answers is in both.
    const fresh = new Set([...threads, ...pinned].map(({ id }) => id))
    const before = wanted === "more" ? this.rows.filter(({ id }) => !fresh.has(id)) : []
    const top = new Set(pinned.map(({ id }) => id))
    this.rows = [...pinned, ...before, ...threads.filter(({ id }) => !top.has(id))]
    this.#next = next
    this.hasMore = next !== null
  }

  #changed() {
    this.dispatchEvent(new Event("change"))
  }
}

/** @param {readonly ThreadRow[]} rows */
function pinnedOf(rows) {
  return rows.filter(({ pinned }) => pinned)
}

/** @param {readonly ThreadRow[]} rows */
function othersOf(rows) {
  return rows.filter(({ pinned }) => !pinned)
}

/** @param {{ search: string, isArchived: boolean }} asked */
function keyOf({ search, isArchived }) {
  return `${isArchived ? "archived" : "open"} ${search}`
}

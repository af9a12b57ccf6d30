/** Files on their way to the server, several at once: they wait there until a message takes them. */

import { ChatKitError } from "./protocol.js"

/**
 * @typedef {object} Upload
 * @property {string} key of this page's own
 * @property {string} name
 * @property {number} size in bytes
 * @property {"uploading" | "done" | "failed"} state
 * @property {number} progress 0 to 1
 * @property {string | null} id by which a message takes it, once it is done
 * @property {ChatKitError | null} error
 *
 * @typedef {object} Limits what would be refused anyway, and need not be sent
 * @property {readonly string[]} types media types; what a browser does not know is left to the server
 * @property {number} maxBytes of one file
 * @property {number} maxFiles of one message
 *
 * @typedef {object} Places
 * @property {string} address where files are posted; each is at its id below it
 * @property {string} csrfToken
 * @property {() => Promise<unknown>} ready when it is known who uploads
 * @property {() => XMLHttpRequest} [request] `fetch` does not tell how far an upload is
 */

/** Event: `change`. */
export class Uploads extends EventTarget {
  /** @type {readonly Upload[]} a new array whenever one has changed */
  #list = []
  /** @type {Map<string, XMLHttpRequest>} */
  #requests = new Map()
  /** @type {Map<string, Upload>} those that a message has taken, by id: it may be refused */
  #taken = new Map()
  #limits
  #places
  #count = 0

  /** @param {Limits} limits @param {Places} places */
  constructor(limits, places) {
    super()
    this.#limits = limits
    this.#places = places
  }

  get list() {
    return this.#list
  }

  get isUploading() {
    return this.#list.some(({ state }) => state === "uploading")
  }

  get hasFailed() {
    return this.#list.some(({ state }) => state === "failed")
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      this.#count += 1
      const { name, size } = file
      const error = this.#refusal(file)
      /** @type {Upload["state"]} */
      const state = error ? "failed" : "uploading"
      const known = { key: `u${this.#count}`, name, size, state, error }
      this.#set([...this.#list, { ...known, progress: 0, id: null }])
      if (!error) void this.#upload(known.key, file)
    }
  }

  /** What is on its way is broken off; what is there already is taken back. @param {string} key */
  remove(key) {
    const upload = this.#list.find((one) => one.key === key)
    if (!upload) return
    this.#set(this.#list.filter((one) => one !== upload))
    this.#requests.get(key)?.abort()
    this.#requests.delete(key)
    if (upload.id !== null) this.#withdraw(upload.id)
  }

  /**
   * What a message takes along; then there is nothing left here.
   *
   * @returns {string[]} their ids, in order
   */
  take() {
    const ids = []
    for (const upload of this.#list) {
      if (upload.id === null) continue
      ids.push(upload.id)
      this.#taken.set(upload.id, upload)
    }
    this.#set([])
    return ids
  }

  /** The message was refused: its files are here again, as far as this page had them. @param {readonly string[]} ids */
  giveBack(ids) {
    const back = ids.flatMap((id) => this.#taken.get(id) ?? [])
    for (const id of ids) this.#taken.delete(id)
    if (back.length > 0) this.#set([...back, ...this.#list])
  }

  /** @param {File} file */
  #refusal({ size, type }) {
    const { types, maxBytes, maxFiles } = this.#limits
    if (this.#list.length >= maxFiles) return refused("too_many_attachments")
    if (size > maxBytes) return refused("attachment_too_large")
    if (size === 0) return refused("attachment_refused")
    const isKnown = /^(image|video|audio)\//.test(type)
    return isKnown && !types.includes(type) ? refused("attachment_type_refused") : null
  }

  /** @param {string} key @param {File} file */
  async #upload(key, file) {
    try {
      await this.#places.ready()
      if (!this.#has(key)) return
      const { id } = await this.#post(key, file)
      // Removed while its answer was on the way: nobody else will take it back.
      if (this.#has(key)) this.#change(key, { state: "done", progress: 1, id })
      else this.#withdraw(id)
    } catch (error) {
      const reason = error instanceof ChatKitError ? error : refused("unreachable")
      this.#change(key, { state: "failed", error: reason })
    } finally {
      this.#requests.delete(key)
    }
  }

  /** @param {string} key @param {File} file @returns {Promise<{ id: string }>} */
  #post(key, file) {
    const form = new FormData()
    form.append("file", file, file.name)
    const request = this.#open("POST", "")
    this.#requests.set(key, request)
    request.upload.onprogress = ({ lengthComputable, loaded, total }) => {
      if (lengthComputable && total > 0) this.#change(key, { progress: loaded / total })
    }
    return new Promise((resolve, reject) => {
      request.onload = () => {
        const told = parsed(request.responseText)
        if (request.status === 201 && told?.id) resolve(told)
        else reject(answered(request.status, told))
      }
      request.onerror = () => reject(refused("unreachable"))
      request.onabort = () => reject(refused("aborted"))
      request.send(form)
    })
  }

  /** @param {string} id */
  #withdraw(id) {
    this.#open("DELETE", `${encodeURIComponent(id)}/`).send()
  }

  /** @param {string} method @param {string} path */
  #open(method, path) {
    const { address, csrfToken, request } = this.#places
    const made = request ? request() : new XMLHttpRequest()
    made.open(method, address + path)
    made.setRequestHeader("Accept", "application/json")
    if (csrfToken) made.setRequestHeader("X-CSRFToken", csrfToken)
    return made
  }

  /** @param {string} key */
  #has(key) {
    return this.#list.some((one) => one.key === key)
  }

  /** @param {string} key @param {Partial<Upload>} change */
  #change(key, change) {
    if (!this.#has(key)) return
    this.#set(this.#list.map((one) => (one.key === key ? { ...one, ...change } : one)))
  }

  /** @param {readonly Upload[]} list */
  #set(list) {
    this.#list = list
    this.dispatchEvent(new Event("change"))
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null // from whatever stands before the app
  }
}

/** @param {number} status @param {any} told */
function answered(status, told) {
  if (status === 413) return refused("attachment_too_large")
  const { code = `http_${status}`, message = `HTTP status ${status}` } = told ?? {}
  return new ChatKitError(String(code), String(message))
}

/** @param {string} code */
function refused(code) {
  return new ChatKitError(code, "")
}

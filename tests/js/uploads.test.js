/** Files on their way: progress, limits, breaking off, what a message takes and gives back. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { Uploads } from "../../chatkit_app/static/chatkit_app/uploads.js"

const LIMITS = { types: ["image/png", "text/plain"], maxBytes: 100, maxFiles: 3 }

/** Requests that the test answers. */
function server({ ready = async () => {} } = {}) {
  const requests = []
  class Request {
    upload = {}
    headers = {}
    open(method, url) {
      Object.assign(this, { method, url })
    }
    setRequestHeader(name, value) {
      this.headers[name] = value
    }
    send(body) {
      this.body = body
      requests.push(this)
    }
    abort() {
      this.isAborted = true
      this.onabort?.()
    }
    answer(status, body) {
      Object.assign(this, { status, responseText: JSON.stringify(body) })
      this.onload()
    }
  }
  const address = "http://localhost/chatkit/api/attachments/"
  const places = { address, csrfToken: "t", ready, request: () => new Request() }
  return { requests, uploads: new Uploads(LIMITS, places) }
}

const file = (name = "a.png", type = "image/png", size = 3) =>
  new File(["x".repeat(size)], name, { type })
const settled = () => new Promise((resolve) => setImmediate(resolve))
const states = (uploads) => uploads.list.map(({ state }) => state)
const codes = (uploads) => uploads.list.map(({ error }) => error?.code ?? null)

test("a file is posted with the token, and is there under the server's id", async () => {
  const { requests, uploads } = server()
  uploads.add([file()])
  await settled()
  const [request] = requests
  assert.equal(request.method, "POST")
  assert.equal(request.url, "http://localhost/chatkit/api/attachments/")
  assert.equal(request.headers["X-CSRFToken"], "t")
  assert.equal(request.body.get("file").name, "a.png")
  assert.ok(uploads.isUploading)

  request.upload.onprogress({ lengthComputable: true, loaded: 1, total: 4 })
  assert.equal(uploads.list[0].progress, 0.25)
  request.answer(201, { id: "f1" })
  await settled()

  assert.deepEqual(states(uploads), ["done"])
  assert.ok(!uploads.isUploading)
  assert.deepEqual(uploads.take(), ["f1"])
  assert.deepEqual(uploads.list, [])
})

test("several are on their way at once, and keep their order", async () => {
  const { requests, uploads } = server()
  uploads.add([file("a.png"), file("b.png")])
  await settled()
  requests[1].answer(201, { id: "b" })
  requests[0].answer(201, { id: "a" })
  await settled()

  assert.deepEqual(uploads.take(), ["a", "b"])
})

test("what would be refused is not sent", async () => {
  const { requests, uploads } = server()
  uploads.add([file("a", "image/png", 101), file("b", "image/heic"), file("c", "", 0)])
  uploads.add([file("d")])
  await settled()

  assert.equal(requests.length, 0)
  assert.ok(uploads.hasFailed)
  assert.deepEqual(codes(uploads), [
    "attachment_too_large",
    "attachment_type_refused",
    "attachment_refused",
    "too_many_attachments",
  ])
})

test("a type that the browser does not know is the server's to judge", async () => {
  const { requests, uploads } = server()
  uploads.add([file("a.md", ""), file("b.md", "application/x-thing")])
  await settled()
  assert.equal(requests.length, 2)
})

test("a refusal has its code, whoever has refused", async () => {
  const { requests, uploads } = server()
  uploads.add([file(), file(), file()])
  await settled()
  requests[0].answer(415, { code: "attachment_type_refused", message: "No." })
  requests[1].answer(413, null)
  requests[2].onerror()
  await settled()

  assert.deepEqual(states(uploads), ["failed", "failed", "failed"])
  assert.deepEqual(codes(uploads), [
    "attachment_type_refused",
    "attachment_too_large",
    "unreachable",
  ])
  assert.deepEqual(uploads.take(), [])
})

test("an answer that is none of the app's is no upload", async () => {
  const { requests, uploads } = server()
  uploads.add([file(), file()])
  await settled()
  requests[0].answer(200, { id: "x" })
  Object.assign(requests[1], { status: 502, responseText: "<h1>Bad Gateway" })
  requests[1].onload()
  await settled()

  assert.deepEqual(codes(uploads), ["http_200", "http_502"])
})

test("what is removed is broken off, or taken back", async () => {
  const { requests, uploads } = server()
  uploads.add([file("a"), file("b")])
  await settled()
  const [a, b] = uploads.list
  requests[1].answer(201, { id: "f b" })
  await settled()

  uploads.remove(a.key)
  uploads.remove(b.key)

  assert.ok(requests[0].isAborted)
  assert.deepEqual(uploads.list, [])
  const deletion = requests[2]
  assert.equal(deletion.method, "DELETE")
  assert.ok(deletion.url.endsWith("/attachments/f%20b/"))
})

test("removed before anybody knows who uploads, it is never sent", async () => {
  let begin = () => {}
  const ready = () =>
    new Promise((resolve) => {
      begin = resolve
    })
  const { requests, uploads } = server({ ready })
  uploads.add([file()])
  uploads.remove(uploads.list[0].key)
  begin()
  await settled()

  assert.equal(requests.length, 0)
})

test("a refused message gives its files back, in front of those added since", async () => {
  const { requests, uploads } = server()
  uploads.add([file("a")])
  await settled()
  requests[0].answer(201, { id: "f1" })
  await settled()
  const ids = uploads.take()
  uploads.add([file("b")])

  uploads.giveBack(ids)
  uploads.giveBack(["unknown"])

  assert.deepEqual(
    uploads.list.map(({ name }) => name),
    ["a", "b"],
  )
})

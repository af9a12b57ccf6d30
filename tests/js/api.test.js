/** What goes over HTTP: with the token, without anything of another site's, and errors by their code. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { Api } from "../../chatkit_app/static/chatkit_app/api.js"
import { Http } from "../../chatkit_app/static/chatkit_app/http.js"

const MOUNT = new URL("https://shop.example/chatkit/")

/** An API before a server that answers this. */
function world({ status = 200, body = {} } = {}) {
  const requests = []
  const fetch = async (url, options) => {
    requests.push({ ...options, url: String(url), path: url.pathname + url.search })
    if (body instanceof Error) throw body
    return {
      ok: status < 400,
      status,
      json: async () => {
        if (body === null) throw new SyntaxError("no JSON")
        return body
      },
    }
  }
  const http = new Http({ mount: MOUNT, csrfToken: "token", env: { fetch } })
  return { api: new Api(http), requests }
}

test("a change brings Django's token and the site's cookies", async () => {
  const { api, requests } = world({ body: { id: "t1" } })
  await api.rename("t1", "A title")

  const [{ method, headers, credentials, body, path }] = requests
  assert.equal(method, "PATCH")
  assert.equal(path, "/chatkit/api/threads/t1/")
  assert.equal(headers["X-CSRFToken"], "token")
  assert.equal(credentials, "same-origin")
  assert.deepEqual(JSON.parse(body), { title: "A title" })
})

test("each thing has its address", async () => {
  const { api, requests } = world({ status: 200, body: { results: [], next: null } })
  await api.archive("t")
  await api.unarchive("t")
  await api.pin("t")
  await api.unpin("t")
  await api.fork("t", "m", { externalId: "once" })
  await api.remove("t")
  await api.restore("t")
  await api.markRead("t")
  await api.rate("t", "m", { kind: "down", reasons: ["unclear"] })
  await api.unrate("t", "m")
  await api.shares("t")
  await api.share("t")
  await api.revokeShare("t", "s")

  assert.deepEqual(
    requests.map(
      ({ method = "GET", path }) => `${method} ${path.replace("/chatkit/api", "")}`,
    ),
    [
      "PATCH /threads/t/",
      "PATCH /threads/t/",
      "PATCH /threads/t/",
      "PATCH /threads/t/",
      "POST /threads/t/messages/m/fork/",
      "DELETE /threads/t/",
      "POST /threads/t/restore/",
      "POST /threads/t/read/",
      "PUT /threads/t/messages/m/feedback/",
      "DELETE /threads/t/messages/m/feedback/",
      "GET /threads/t/shares/?live=true&page_size=100",
      "POST /threads/t/shares/",
      "DELETE /threads/t/shares/s/",
    ],
  )
  const [pinned, unpinned, forked] = requests.slice(2, 5)
  assert.deepEqual(JSON.parse(pinned.body), { pinned: true })
  assert.deepEqual(JSON.parse(unpinned.body), { pinned: false })
  assert.deepEqual(JSON.parse(forked.body), { externalId: "once" })
  assert.deepEqual(JSON.parse(requests[8].body), {
    kind: "down",
    reasons: ["unclear"],
    comment: "",
  })
})

test("of the next page's address the cursor alone is taken", async () => {
  const next = "http://inside:8000/elsewhere/?cursor=abc&page_size=3"
  const { api, requests } = world({ body: { results: [{ id: "t" }], next } })
  const page = await api.threads({ assistant: "shop", search: "a&b", unread: false })

  assert.deepEqual(page, { threads: [{ id: "t" }], next: "abc" })
  const query = new URL(requests[0].url).searchParams
  assert.deepEqual(Object.fromEntries(query), {
    assistant: "shop",
    search: "a&b",
    unread: "false",
  })
})

test("an id that is no id leads nowhere else", async () => {
  const { api, requests } = world()
  await api.remove("../../admin/")

  assert.equal(requests[0].path, "/chatkit/api/threads/..%2F..%2Fadmin%2F/")
})

test("an answer without a body is one", async () => {
  const { api } = world({ status: 204, body: null })

  assert.equal(await api.unrate("t", "m"), null)
})

test("a refusal has its code, and a lost line, a proxy's page and a bare status have theirs", async () => {
  const codes = [
    [{ status: 409, body: { code: "run_conflict", message: "…" } }, "run_conflict"],
    [{ status: 502, body: null }, "http_502"],
    [{ status: 200, body: null }, "bad_response"],
    [{ body: new TypeError("no network") }, "unreachable"],
  ]
  for (const [answer, code] of codes)
    await assert.rejects(world(answer).api.archive("t"), { code })
})

test("a message that a snapshot has cut is asked for as a whole", async () => {
  const { api, requests } = world({ body: { results: [{ id: "a" }, { id: "m" }] } })

  assert.deepEqual(await api.message("t", "m"), { id: "m" })
  assert.match(requests[0].path, /messages\/\?around=m&limit=1$/)
})

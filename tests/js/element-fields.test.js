/** A schema as fields for a person, and what was typed as the value that is sent. */

import assert from "node:assert/strict"
import { test } from "node:test"
import {
  chosenOf,
  fieldsOf,
  inputOf,
  isFewChoices,
  readField,
  sortErrors,
  textOf,
} from "../../chatkit_app/static/chatkit_app/element-fields.js"

/** The fields of an object with these properties, all of them required, by their names. */
function fieldsBy(properties, { initial, required, ...more } = {}) {
  const schema = {
    type: "object",
    properties,
    required: required ?? Object.keys(properties),
    ...more,
  }
  return Object.fromEntries(
    fieldsOf(schema, initial).map((field) => [field.name, field]),
  )
}

for (const [name, property, kind] of [
  ["text", { type: "string" }, "text"],
  ["a long text", { type: "string", maxLength: 500 }, "lines"],
  ["a number", { type: "number" }, "number"],
  ["a whole number", { type: "integer" }, "integer"],
  ["a decimal", { anyOf: [{ type: "number" }, { type: "string" }] }, "decimal"],
  ["yes or no", { type: "boolean" }, "boolean"],
  ["yes, no or nothing", { anyOf: [{ type: "boolean" }, { type: "null" }] }, "choice"],
  ["an enum", { type: "string", enum: ["a", "b"] }, "choice"],
  ["a constant", { const: "a" }, "choice"],
  ["titled choices", { oneOf: [{ const: 1, title: "One" }, { const: 2 }] }, "choice"],
  ["a reference", { $ref: "#/$defs/Size" }, "choice"],
  ["a wrapped reference", { allOf: [{ $ref: "#/$defs/Size" }] }, "choice"],
  ["a reference to itself", { $ref: "#/$defs/Loop" }, "json"],
  ["a reference to nothing", { $ref: "#/$defs/constructor" }, "json"],
  ["several of an enum", { type: "array", items: { enum: ["a"] } }, "several"],
  [
    "several of a reference",
    { type: "array", items: { $ref: "#/$defs/Size" } },
    "several",
  ],
  ["shapes that are none", { anyOf: [true, 1] }, "json"],
  ["a list", { type: "array", items: { type: "string" } }, "json"],
  ["an object", { type: "object", properties: {} }, "json"],
  ["a union", { anyOf: [{ type: "string" }, { type: "object" }] }, "json"],
  ["several types", { type: ["string", "integer"] }, "json"],
  ["anything", {}, "json"],
  ["no schema at all", true, "json"],
]) {
  test(`a field for ${name}`, () => {
    const $defs = { Size: { enum: ["S", "M"] }, Loop: { $ref: "#/$defs/Loop" } }

    assert.equal(fieldsBy({ it: property }, { $defs }).it.kind, kind)
  })
}

test("dates have a field of their own where what is there fits into one", () => {
  const when = { type: "string", format: "date-time" }
  const typeOf = (initial) => fieldsBy({ when }, { initial }).when.type

  assert.equal(typeOf({}), "datetime-local")
  assert.equal(typeOf({ when: "2026-03-01T12:00" }), "datetime-local")
  assert.equal(typeOf({ when: "2026-03-01T12:00:00Z" }), "text")
})

test("what is no object of plain fields is one field of JSON", () => {
  for (const schema of [
    { type: "array" },
    { anyOf: [{ type: "object" }, { type: "string" }] },
    { type: "object", additionalProperties: true },
    null,
    "x",
  ]) {
    const [field, ...others] = fieldsOf(schema, [1])
    assert.deepEqual([field.name, field.kind, others], ["", "json", []])
    assert.deepEqual(readField(field, textOf(field)), { value: [1] })
  }
})

test("what a schema has no field for is changed as JSON, and kept", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } }
  const [field, ...others] = fieldsOf(schema, { a: "x", more: 1 })

  assert.deepEqual([field.kind, others], ["json", []])
  assert.deepEqual(readField(field, textOf(field)), { value: { a: "x", more: 1 } })
})

test("a title made of the name gives way to ours", () => {
  const { order_id, size } = fieldsBy({
    order_id: { type: "string", title: "Order Id" },
    size: { type: "string", title: "Which size?" },
  })

  assert.equal(order_id.label, "Order id")
  assert.equal(size.label, "Which size?")
})

for (const [name, property, raw, expected] of [
  ["text", { type: "string" }, " a ", { value: " a " }],
  ["a number", { type: "number" }, " 3.5 ", { value: 3.5 }],
  ["a number with a comma", { type: "number" }, "3,5", { value: 3.5 }],
  ["no number", { type: "number" }, "abc", { problem: "fieldNumber" }],
  ["an endless number", { type: "number" }, "1e999", { problem: "fieldNumber" }],
  [
    "too small a number",
    { type: "integer", minimum: 1 },
    "0",
    { problem: "fieldMin", values: { limit: 1 } },
  ],
  [
    "too great a number",
    { type: "number", maximum: 9.5 },
    "9,6",
    { problem: "fieldMax", values: { limit: 9.5 } },
  ],
  ["half a number", { type: "integer" }, "1.5", { problem: "fieldInteger" }],
  [
    "a decimal, exactly",
    { anyOf: [{ type: "number" }, { type: "string" }] },
    "0,10",
    { value: "0.10" },
  ],
  ["a box", { type: "boolean" }, false, { value: false }],
  ["a choice", { enum: [1, 2] }, "1", { value: 2 }],
  ["a choice that is none", { enum: [1, 2] }, "7", { value: null }],
  ["JSON", { type: "array" }, "[1]", { value: [1] }],
  ["no JSON", { type: "array" }, "[1", { problem: "fieldJson" }],
  ["nothing", { type: "string" }, "", { problem: "fieldRequired" }],
  ["spaces", { type: "number" }, "  ", { problem: "fieldRequired" }],
  [
    "nothing where that may be",
    { anyOf: [{ type: "integer" }, { type: "null" }] },
    "",
    { value: null },
  ],
]) {
  test(`what was typed is read: ${name}`, () => {
    assert.deepEqual(readField(fieldsBy({ it: property }).it, raw), expected)
  })
}

test("a default is sent with an answer, and is no change of a call without it", () => {
  const note = { type: "string", default: "none" }
  const { note: asked } = fieldsBy({ note }, { required: [] })
  const { note: added } = fieldsBy({ note }, { required: [], initial: {} })

  assert.deepEqual([textOf(asked), textOf(added)], ["none", "none"])
  assert.deepEqual(readField(asked, "none"), { value: "none" })
  assert.deepEqual(readField(added, "none"), { isLeftOut: true })
  assert.deepEqual(readField(added, "some"), { value: "some" })
  assert.deepEqual(readField(added, ""), { value: "" })
})

test("several are chosen by their places", () => {
  const tags = { type: "array", items: { enum: ["a", "b", "c"] } }
  const { tags: field } = fieldsBy({ tags }, { initial: { tags: ["c", "a"] } })

  assert.deepEqual(chosenOf(field), ["0", "2"])
  assert.deepEqual(readField(field, ["1", "2"]), { value: ["b", "c"] })
  assert.deepEqual(readField(field, []), { value: [] })
  const { tags: added } = fieldsBy({ tags }, { required: [], initial: {} })
  assert.deepEqual(readField(added, []), { isLeftOut: true })
  const { tags: broken } = fieldsBy({ tags }, { initial: { tags: "a" } })
  assert.equal(broken.kind, "json")
})

test("what was given stays, also where it is not asked for", () => {
  const { note } = fieldsBy(
    { note: { type: "string" } },
    { initial: { note: "here" }, required: [] },
  )

  assert.deepEqual(readField(note, "here"), { value: "here" })
  assert.deepEqual(readField(note, ""), { value: "" })
})

for (const [name, property, options, isFew] of [
  ["one must be taken", { enum: ["S", "M", "L"] }, {}, true],
  ["one is taken already", { enum: ["S", "M"], default: "M" }, { required: [] }, true],
  ["none need be taken", { enum: ["S", "M"] }, { required: [] }, false],
  ["nothing is one of them", { enum: ["S", "M", null] }, {}, true],
  ["null will do", { anyOf: [{ enum: ["S", "M"] }, { type: "null" }] }, {}, false],
  ["there is but one", { const: "S" }, {}, false],
  ["there are many", { enum: ["a", "b", "c", "d", "e"] }, {}, false],
  ["one of them is long", { enum: ["S", "x".repeat(25)] }, {}, false],
  ["several may be taken", { type: "array", items: { enum: ["S", "M"] } }, {}, false],
]) {
  test(`few choices are seen at once: ${name}`, () => {
    assert.equal(isFewChoices(fieldsBy({ it: property }, options).it), isFew)
  })
}

test("a field of several inputs is told at its first", () => {
  const split = ["when_note", "when_0", "when_1"]
  const selects = ["when_note", "when_month", "when_day", "when_year"]

  assert.equal(inputOf("when", split), "when_0")
  assert.equal(inputOf("when", selects), "when_month")
  assert.equal(inputOf("when", ["whenever", "when_from", "when_to"]), "when_from")
  assert.equal(inputOf("when", ["when", "when_0"]), "when")
  assert.equal(inputOf("when", ["whenever"]), "when")
  assert.equal(inputOf("", ["_0"]), "")
})

test("errors find their fields by the first name of their paths", () => {
  const errors = [
    { field: "amount", message: "Too much." },
    { field: "items.0.sku", message: "Unknown." },
    { field: "", message: "Closed." },
    { field: "gone", message: "What?" },
  ]

  assert.deepEqual(sortErrors(errors, ["amount", "items"]), {
    at: [
      { name: "amount", message: "Too much." },
      { name: "items", message: "0.sku: Unknown." },
    ],
    rest: ["Closed.", "gone: What?"],
  })
  assert.deepEqual(sortErrors(errors.slice(1, 3), [""]).at, [
    { name: "", message: "items.0.sku: Unknown." },
    { name: "", message: "Closed." },
  ])
})

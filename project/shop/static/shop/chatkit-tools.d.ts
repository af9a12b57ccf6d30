// Written by `manage.py chatkit_types` from the tools of this site's assistants. Not to be edited:
// write it again when a tool has changed, and let `--check` say so where the code is tested.

/** Where the visitor is taken. */
export interface Arrival {
  path: string
}

export interface CancelOrderArguments {
  /** The order's number, such as 1042. */
  number: string
}

/** The whole cart. */
export interface Cart {
  lines: CartLine[]
  /** In euros. */
  total: string
}

/** A product and how many of it. */
export interface CartAddition {
  /** A product's id, as search_catalogue tells it. */
  product_id: string
  quantity: number
}

/** The whole cart. */
export interface CartAnswer {
  lines: CartLineAnswer[]
  /** In euros. */
  total: number | string
}

/** A product in the cart. */
export interface CartLine {
  product_id: string
  name: string
  quantity: number
  /** Of one, in euros. */
  price: string
}

/** A product in the cart. */
export interface CartLineAnswer {
  product_id: string
  name: string
  quantity: number
  /** Of one, in euros. */
  price: number | string
}

export interface ChangeDeliveryArguments {
  /** The order's number, such as 1042. */
  number: string
}

/** Where and when the order comes; as before where the visitor did not want to choose. */
export interface ChosenDelivery {
  number: number
  is_changed: boolean
  deliver_to: string
  /** Format: date. */
  expected_on: string | null
  time: string
}

/** A page of the shop. ``product`` needs the product's id. */
export interface Destination {
  page: "catalogue" | "product" | "cart" | "orders" | "notes"
  product_id: string | null
}

/** An order, as the model reads it. */
export interface FoundOrder {
  number: number
  status: string
  /** Format: date. */
  placed_on: string
  /** Format: date. */
  expected_on: string | null
  /** In euros. */
  total: string
  /** In euros. */
  refunded: string
  lines: string[]
  deliver_to: string
}

/** A product, as the model reads it. */
export interface FoundProduct {
  id: string
  name: string
  description: string
  /** In euros. */
  price: string
  stock: number
}

export type GiftWrapArguments = Record<string, never>

/** Which product. */
export interface Highlight {
  /** A product's id, as search_catalogue tells it. */
  product_id: string
}

/** Whether the page shows this product at all. */
export interface Highlighted {
  found: boolean
}

/** What was given back. */
export interface MadeRefund {
  number: number
  /** In euros. */
  amount: string
  /** Of the whole order by now, in euros. */
  refunded: string
  note: string
}

/** A statement that can be downloaded. */
export interface MadeStatement {
  year: number
  orders: number
  /** Without what was cancelled, in euros. */
  total: string
  /** In euros. */
  refunded: string
  /** Its address on this site. */
  path: string
}

/** A note to be kept. */
export interface NewNote {
  text: string
}

/** The input of a tool that takes none. */
export type NoInput = Record<string, never>

/** All notes, the oldest first. */
export interface Notes {
  notes: string[]
}

export interface OrderStatusArguments {
  /** The order's number, such as 1042. */
  number: string
}

export interface RefundOrderArguments {
  /** The order's number, such as 1042. */
  number: string
  /** How much, in euros. */
  amount: number
  reason: string
}

export interface SearchCatalogueArguments {
  /** Words that the product's name, description or room has; empty for all products. */
  query: string
  /** In euros; only what costs no more. */
  max_price: number | null
}

/** What is selected; empty where nothing is. */
export interface SelectedText {
  text: string
}

export interface SetStockArguments {
  /** A product's id, as search_catalogue tells it. */
  product_id: string
  /** Pieces. */
  stock: number
}

/** What the count has found. */
export interface StockReport {
  products: number
  pieces: number
  /** In euros. */
  value: string
  sold_out: string[]
  /** Products of which five or fewer are left. */
  low: string[]
}

export type StockReportArguments = Record<string, never>

/** How much there is of a product now. */
export interface Stocked {
  name: string
  stock: number
}

/** How the cart is wrapped; not at all where the visitor did not want to choose. */
export interface Wrapped {
  is_wrapped: boolean
  paper: string
  card: string
}

export interface YearlyStatementArguments {
  /** This year, unless it says otherwise. */
  year: number | null
}

/**
 * Add a note to the visitor's own notes. They are kept in their browser alone.
 *
 * Not strict: text: maxLength is not supported; text: minLength is not supported.
 */
export interface AddNoteTool {
  input: NewNote
  output: Notes
  answer: Notes
}

/**
 * Put a product into the visitor's cart, on top of what is there.
 *
 * Not strict: quantity: has a default.
 */
export interface AddToCartTool {
  input: CartAddition
  output: Cart
  answer: CartAnswer
}

/** Cancel an order of the visitor that is not shipped yet. They are asked to approve it. */
export interface CancelOrderTool {
  input: CancelOrderArguments
  output: FoundOrder
  answer: never
}

/** Change where and when an order of the visitor comes. It asks them for both in a form. */
export interface ChangeDeliveryTool {
  input: ChangeDeliveryArguments
  output: ChosenDelivery
  answer: never
}

/** Take everything out of the visitor's cart. They are asked to approve it. */
export interface EmptyCartTool {
  input: NoInput
  output: Cart
  answer: CartAnswer
}

/** Read the text that the visitor has selected in the page. */
export interface GetSelectedTextTool {
  input: NoInput
  output: SelectedText
  answer: SelectedText
}

/** Wrap the visitor's cart as a gift. It asks them for the paper and the words on the card. */
export interface GiftWrapTool {
  input: GiftWrapArguments
  output: Wrapped
  answer: never
}

/** Scroll to a product in the page that the visitor sees and mark it. The catalogue shows all products; where found is false, navigate there first. */
export interface HighlightProductTool {
  input: Highlight
  output: Highlighted
  answer: Highlighted
}

/** Read the visitor's own notes. */
export interface ListNotesTool {
  input: NoInput
  output: Notes
  answer: Notes
}

/** Take the visitor to a page of the shop. The chat goes on there. */
export interface NavigateTool {
  input: Destination
  output: Arrival
  answer: Arrival
}

/** Tell how far an order of the visitor is. */
export interface OrderStatusTool {
  input: OrderStatusArguments
  output: FoundOrder
  answer: never
}

/**
 * Give money back for a shipped or delivered order of the visitor (simulated: it is noted).
 *
 * Up to 20 euros of an order go at once; above that somebody of the staff has to approve it.
 *
 * Not strict: reason: maxLength is not supported; reason: minLength is not supported.
 */
export interface RefundOrderTool {
  input: RefundOrderArguments
  output: MadeRefund
  answer: never
}

/** Search the shop's products. */
export interface SearchCatalogueTool {
  input: SearchCatalogueArguments
  output: FoundProduct[]
  answer: never
}

/** Set how many pieces of a product there are. For the shop's staff alone. */
export interface SetStockTool {
  input: SetStockArguments
  output: Stocked
  answer: never
}

/** Read what is in the visitor's cart. */
export interface ShowCartTool {
  input: NoInput
  output: Cart
  answer: CartAnswer
}

/** Count the stock of all products. It takes several seconds and shows how far it is. */
export interface StockReportTool {
  input: StockReportArguments
  output: StockReport
  answer: never
}

/**
 * Write a statement of all orders of a year, for download.
 *
 * It takes half a minute (simulated work) and goes on in the background.
 */
export interface YearlyStatementTool {
  input: YearlyStatementArguments
  output: MadeStatement
  answer: never
}

/** The tools of the assistant "shop". */
export type ShopTools = {
  add_note: AddNoteTool
  add_to_cart: AddToCartTool
  cancel_order: CancelOrderTool
  change_delivery: ChangeDeliveryTool
  empty_cart: EmptyCartTool
  get_selected_text: GetSelectedTextTool
  gift_wrap: GiftWrapTool
  highlight_product: HighlightProductTool
  list_notes: ListNotesTool
  navigate: NavigateTool
  order_status: OrderStatusTool
  refund_order: RefundOrderTool
  search_catalogue: SearchCatalogueTool
  set_stock: SetStockTool
  show_cart: ShowCartTool
  stock_report: StockReportTool
  yearly_statement: YearlyStatementTool
}
export type ShopPart = Part<ShopTools>
export type ShopMessage = Message<ShopTools>
export type ShopClient = ChatClient<ShopTools>
export type ShopElement = ChatElement<ShopTools>

/** The tools of each assistant. */
export type Assistants = {
  shop: ShopTools
}
/** All tools of all assistants. */
export type AllTools = {
  add_note: AddNoteTool
  add_to_cart: AddToCartTool
  cancel_order: CancelOrderTool
  change_delivery: ChangeDeliveryTool
  empty_cart: EmptyCartTool
  get_selected_text: GetSelectedTextTool
  gift_wrap: GiftWrapTool
  highlight_product: HighlightProductTool
  list_notes: ListNotesTool
  navigate: NavigateTool
  order_status: OrderStatusTool
  refund_order: RefundOrderTool
  search_catalogue: SearchCatalogueTool
  set_stock: SetStockTool
  show_cart: ShowCartTool
  stock_report: StockReportTool
  yearly_statement: YearlyStatementTool
}
export type ToolName = keyof AllTools

declare global {
  interface HTMLElementTagNameMap {
    "chatkit-thread": ChatElement<AllTools>
  }
}

// What a page meets, typed by a map of its tools: `{ name: { input, output, answer } }`.
// `manage.py chatkit_types` writes such maps, with a copy of this file, so nothing is imported here.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * One tool. `input` is as a page gets it, `output` as it is stored; `answer` is what a handler may
 * give as the output, and `never` for a tool that runs on the server alone.
 */
export interface ToolTypes {
  input: unknown
  output: unknown
  answer: unknown
}

/** The names of the tools that a page may have a handler for. */
export type PageToolName<T> = {
  [N in keyof T & string]: [T[N]] extends [{ answer: never }] ? AnyName<T[N], N> : N
}[keyof T & string]

/** Where nothing is known of the tools (`any`), a page may have any. */
type AnyName<Types, Name> = 0 extends 1 & Types ? Name : never

// biome-ignore lint/suspicious/noExplicitAny: nothing is known of it
type Unknown<Types, Known> = 0 extends 1 & Types ? any : Known
type InputOf<Types> = Unknown<Types, Types extends { input: infer In } ? In : never>
type OutputOf<Types> = Unknown<Types, Types extends { output: infer Out } ? Out : never>
type AnswerOf<Types> = Unknown<Types, Types extends { answer: infer Out } ? Out : never>

export interface TypedCall<Types, Name extends string = string> {
  id: string
  name: Name
  input: InputOf<Types>
  /**
   * Answers now, for a tool that then leaves the page; resolves when the server has the answer,
   * rejects if it refuses it.
   */
  done(output?: AnswerOf<Types>): Promise<void>
}

export interface HandlerContext<Types, Name extends string = string> {
  /** What the client was made with; it never leaves the page. */
  // biome-ignore lint/suspicious/noExplicitAny: the page's own
  context: any
  call: TypedCall<Types, Name>
  /** Aborts when nobody waits for the answer any more. */
  signal: AbortSignal
}

/** Returns, or promises, the output; nothing after `call.done`. */
export type Handler<Types, Name extends string = string> = (
  input: InputOf<Types>,
  context: HandlerContext<Types, Name>,
) => AnswerOf<Types> | undefined | Promise<AnswerOf<Types> | undefined>

/** `client.tools`. */
export interface PageTools<T> extends EventTarget {
  /** Returns what takes it back. */
  register<N extends PageToolName<T>>(name: N, tool: Handler<T[N], N>): () => void
  /** A tool that the assistant's own code knows nothing of; returns what takes it back. */
  declare(tool: {
    name: string
    description?: string
    input?: { [key: string]: unknown }
    // biome-ignore lint/suspicious/noExplicitAny: nothing is known of it
    run: Handler<any>
  }): () => void
  has(name: string): boolean
  /** Runs a call that `preventDefault` kept open. */
  run(id: string): void
}

export type ToolCallState =
  | "awaiting-input"
  | "input-streaming"
  | "input-complete"
  | "approval-requested"
  | "approval-responded"

/** Something asked of the outside. */
export interface Interrupt {
  id: string
  kind: "client_tool" | "approval" | "question"
  key: string
  toolCallId: string
  message: string
  schema: { [key: string]: Json } | null
  form: string | null
  approver: "visitor" | "staff" | null
  expiresAt: string | null
}

export interface Approval {
  id: string
  needsApproval: true
  approved: boolean | null
  decision: "approve" | "edit" | "deny" | "respond" | null
  reason: string | null
  by: "visitor" | "staff" | null
}

export interface Progress<Output = Json> {
  text: string
  fraction: number | null
  preliminary: Output | null
  notice: { level: "info" | "warning" | "danger"; title: string; text: string } | null
}

interface PartPlace {
  partId: string
  index: number
  stepId: string | null
  /** A snapshot has cut it; the history has it whole. */
  clipped?: true
}

export interface TextPart extends PartPlace {
  type: "text" | "reasoning"
  content: string
  state: "streaming" | "complete" | "interrupted"
}

/** A call of the tool `Name`. */
export interface ToolCallPartOf<Types, Name extends string = string> extends PartPlace {
  type: "tool-call"
  id: string
  name: Name
  /** The JSON text so far. */
  arguments: string
  /**
   * As the tool defines it, once the arguments are there and fit; while they stream, and where they
   * never did, there is none yet (null): look at `state`, or write `part.input?.…`.
   */
  input: InputOf<Types>
  /** Undefined until the call has completed. */
  output: OutputOf<Types> | undefined
  /** What a person made of `input`; null if nothing. */
  editedInput: InputOf<Types> | null
  state: ToolCallState
  status:
    | "streaming"
    | "queued"
    | "running"
    | "waiting"
    | "completed"
    | "failed"
    | "cancelled"
  executor: "server" | "client" | "job" | "provider" | null
  waitsFor: "client" | "person" | "job" | null
  interrupt: Interrupt | null
  approval: Approval | null
  claimedBy: string | null
  progress: Progress | null
  deadlineAt: string | null
}

/** A call of any tool of the map: `part.name` says which one, and so what goes in and comes out. */
export type ToolCallPart<T> = {
  [N in keyof T & string]: ToolCallPartOf<T[N], N>
}[keyof T & string]

/** What is open of a thread, with the call that it is about. */
export type OpenInterrupt<T> = Interrupt & { toolCall: ToolCallPart<T> }

export interface ToolResultPart extends PartPlace {
  type: "tool-result"
  toolCallId: string
  content: string
  state: "complete" | "error"
  error?: { code: string; text: string }
}

/** A file of a message; `name` and `mediaType` are untrusted text, `size` in bytes. */
export interface FilePart {
  type: "file"
  partId: string
  index: number
  stepId: null
  state: "complete"
  /** null: the file is gone */
  attachmentId: string | null
  name: string
  mediaType: string
  size: number
  url: string | null
}

export type Part<T> = TextPart | ToolCallPart<T> | ToolResultPart | FilePart

export interface Message<T> {
  id: string
  role: "user" | "assistant" | "system"
  status: "open" | "complete" | "interrupted"
  clientId: string | null
  runId: string | null
  createdAt: string
  /** the message before it, in its branch */
  parentId: string | null
  /** all that were said in its place, oldest first, itself among them; empty where it is the only one */
  siblings: string[]
  /** a person of the staff who has written an assistant's message; the name may be empty */
  author: { name: string } | null
  feedback: "up" | "down" | null
  parts: Part<T>[]
}

/** Answers to one interrupt, by its id. */
export type InterruptAnswer =
  | { interrupt: string; decision: "approve" | "skip" }
  | { interrupt: string; decision: "edit"; input: Json }
  | { interrupt: string; decision: "deny" | "respond" | "fail"; text: string }
  | { interrupt: string; decision: "answer"; output: Json }

export interface Run {
  id: string
  status: string
  answerId: string | null
  errorCode: string | null
  errorText: string | null
  /** Its answer broke off and is asked again. */
  retry: { code: string | null; attempt: number; retryAt: string | null } | null
}

export interface PendingMessage {
  clientId: string
  text: string
  state: "sending" | "refused"
  /** Why it was refused. */
  error?: { code: string; message: string; retryMs: number | null }
}

/** What an effect tells the page. */
export interface EffectDetail {
  // biome-ignore lint/suspicious/noExplicitAny: the tool's own
  data: any
  name: string
  toolCallId: string
  /** The message came from this page. */
  isOurs: boolean
}

export interface NoticeDetail {
  toolCallId: string
  level: "info" | "warning" | "danger"
  title: string
  text: string
}

/** What `toolcall` and `chatkit-tool-call` tell, before the page's tool runs. */
export interface CallDetail {
  id: string
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: which tool it is, the name says
  input: any
}

export interface ClientEvents {
  change: Event
  error: CustomEvent<Error & { code: string; retryMs: number | null }>
  toolcall: CustomEvent<CallDetail>
  effect: CustomEvent<EffectDetail>
  notice: CustomEvent<NoticeDetail>
}

/** The events of a client, by name. */
export interface ClientTarget extends EventTarget {
  addEventListener<E extends keyof ClientEvents>(
    type: E,
    listener: ((event: ClientEvents[E]) => unknown) | null,
    options?: AddEventListenerOptions | boolean,
  ): void
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void
}

declare global {
  // They bubble: whoever listens around the element hears them, too.
  interface GlobalEventHandlersEventMap {
    "chatkit-tool-call": CustomEvent<CallDetail>
    "chatkit-effect": CustomEvent<EffectDetail>
  }
}

/** A call's part, of whatever tool. */
export type AnyCall = Pick<ToolCallPartOf<ToolTypes>, "arguments" | "input">

/** What is typed of a `ChatKitClient`; docs/client.md has all of it. */
export interface ChatClient<T> extends ClientTarget {
  readonly tools: PageTools<T>
  readonly messages: readonly Message<T>[]
  readonly pendingMessages: readonly PendingMessage[]
  readonly thread: {
    id: string
    assistant: string
    title: string
    status: string
  } | null
  readonly threadId: string | null
  readonly hasEarlier: boolean
  readonly run: Run | null
  readonly state: string
  readonly isBusy: boolean
  readonly error: { code: string; message: string } | null
  /** `u:<key>` is a user, `v:<uuid>` a visitor; null before the first connection. */
  readonly viewer: string | null
  readonly tab: string
  connect(): void
  close(): void
  send(
    text: string,
    options?: { attachments?: string[] },
  ): Promise<{ thread: string; run: string; message: string }>
  /** Another answer in the place of this one. */
  regenerate(message: string): Promise<{ thread: string; run: string; message: string }>
  /** Say something else in the place of one's own message. */
  edit(
    message: string,
    text: string,
    options?: { attachments?: string[] },
  ): Promise<{ thread: string; run: string; message: string }>
  /** Show the branch that this message is in. */
  show(message: string): Promise<void>
  cancel(): Promise<unknown>
  retry(): Promise<{ thread: string; run: string; message: string }>
  discard(clientId: string): void
  readonly interrupts: readonly OpenInterrupt<T>[]
  resolve(answers: InterruptAnswer | readonly InterruptAnswer[]): Promise<unknown>
  approve(interrupt: string, edited?: { input?: object }): Promise<unknown>
  deny(interrupt: string, reason?: string): Promise<unknown>
  respond(interrupt: string, text: string): Promise<unknown>
  answer(interrupt: string, output: Json): Promise<unknown>
  skip(interrupt: string): Promise<unknown>
  isResolving(interrupt: string): boolean
  partialInput(part: AnyCall): Json | undefined
  openThread(id: string): void
  newThread(): void
  listThreads(options?: { cursor?: string }): Promise<{
    threads: { id: string; title: string; lastActivityAt?: string }[]
    next: string | null
  }>
  loadEarlier(): Promise<unknown>
  /** Hear when the list of threads is another one; returns the function that undoes it. */
  watchThreads(listener: () => void): () => void
  /** The same for what waits for an approval of theirs. */
  watchApprovals(listener: () => void): () => void
}

/** What is typed of `<chatkit-thread>`; docs/element.md has all of it. */
export interface ChatElement<T> extends HTMLElement {
  readonly client: ChatClient<T>
  readonly tools: PageTools<T>
  readonly context: Record<string, unknown>
  page: () => Record<string, unknown>
}

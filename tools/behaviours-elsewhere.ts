/**
 * Behaviours known from other projects' tests that have no test of their own in this repository's
 * engine, each with the reason. What is "not offered" is no promise of Holdfast.
 */
export const elsewhere: Readonly<Record<string, string>> = {
  80: "topics are not built yet",
  81: "topics are not built yet",
  82: "topics are not built yet",
  83: "topics are not built yet",
  84: "topics are not built yet",
  86: "/openapi.json: tested with the gateway",
  116: "heartbeats are not offered: a step runs in the process of its invocation, so there is no distant worker to lose",
  163: "an eager start is not offered: no queue lies between the engine and its handlers, so every start is one",
  165: "/metrics: tested with the gateway",
  179: "a debouncer is not offered: an actor with a delayed message to itself is one",
  184: "streams with offsets are not offered: signals are the stream into an invocation",
  186: "messages in a transaction of the user's own database are not offered: the store is Holdfast's own",
  189: "stores that are reached over a network are not built yet; migration of the file is tested with the SQLite store",
};

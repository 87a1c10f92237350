import { fail } from "../model/errors.ts";
import { type Answer, json } from "./exchange.ts";
import { formatMetrics, type MetricSample, metricsType } from "./metrics.ts";
import type { Route } from "./route.ts";
import { object } from "./schemas.ts";

export interface SystemSources {
  readonly version: string;
  /** Whether the store is open, recovery is done, and the server is not on its way out. */
  readonly ready: () => boolean | Promise<boolean>;
  readonly metrics: () => readonly MetricSample[] | Promise<readonly MetricSample[]>;
  readonly openApi: () => string;
}

/** What those who run it ask. */
export function systemRoutes({ version, ready, metrics, openApi }: SystemSources): Route[] {
  const state = object({ status: { type: "string" }, version: { type: "string" } });
  return [
    {
      method: "GET",
      path: "/health",
      name: "getHealth",
      summary: "Whether the process is up.",
      answers: { 200: { description: "It is.", schema: state } },
      errors: [],
      open: true,
      run: () => json(200, { status: "up", version }),
    },
    {
      method: "GET",
      path: "/ready",
      name: "getReadiness",
      summary: "Whether it takes work: its store is open, recovery is done, it is not stopping.",
      answers: { 200: { description: "It does.", schema: state } },
      errors: ["not-ready"],
      open: true,
      run: async (): Promise<Answer> => {
        if (!(await ready())) throw fail("not-ready");
        return json(200, { status: "ready", version });
      },
    },
    {
      method: "GET",
      path: "/metrics",
      name: "getMetrics",
      summary: "Metrics in Prometheus' text format.",
      answers: {
        200: { description: "The metrics.", schema: { type: "string" }, type: "text/plain" },
      },
      errors: [],
      run: async () => ({ status: 200, text: formatMetrics(await metrics()), type: metricsType }),
    },
    {
      method: "GET",
      path: "/openapi.json",
      name: "getOpenApi",
      summary: "This description.",
      answers: { 200: { description: "OpenAPI 3.1.", schema: { type: "object" } } },
      errors: [],
      run: () => ({ status: 200, text: openApi() }),
    },
  ];
}

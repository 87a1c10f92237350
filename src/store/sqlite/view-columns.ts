/* What the documented views are made of. */

export interface View {
  readonly name: string;
  readonly meaning: string;
  readonly columns: readonly ViewColumn[];
  /** What follows FROM. */
  readonly from: string;
}

export interface ViewColumn {
  readonly name: string;
  readonly type: "text" | "integer" | "json";
  readonly meaning: string;
  readonly sql: string;
}

export function text(name: string, meaning: string, sql: string): ViewColumn {
  return { name, type: "text", meaning, sql };
}

export function integer(name: string, meaning: string, sql: string): ViewColumn {
  return { name, type: "integer", meaning, sql };
}

export function json(name: string, meaning: string, sql: string): ViewColumn {
  return { name, type: "json", meaning, sql };
}

/** One moment as two columns: for people `name_at`, for reckoning `name_ms`. */
export function time(name: string, meaning: string, sql: string, suffix = "_at"): ViewColumn[] {
  return [
    text(`${name}${suffix}`, `${meaning} (ISO 8601)`, iso(sql)),
    integer(`${name}_ms`, `${meaning} (milliseconds since 1970)`, sql),
  ];
}

export function iso(sql: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%fZ', (${sql}) / 1000.0, 'unixepoch')`;
}

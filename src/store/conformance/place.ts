import { makeNumber } from "../../model/ids.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";

/* What the parts of the conformance suite share. */

/** One place where a store can lie. */
export interface StorePlace {
  /** Opens the store, making it the first time; the one before has been closed. */
  open(): Promise<Store>;
  remove(): Promise<void>;
}

export const bounds = { timeoutMs: 10_000, rowsMax: 1000 };

export interface Opened {
  store: Store;
  epochs: Map<number, number>;
  /** An empty batch with the epochs as claimed. */
  batch(): Batch;
  /** Commits what `fill` puts into a batch. */
  write(fill: (batch: Batch) => void): Promise<void>;
  /** Closes the store and opens it again. */
  reopen(): Promise<void>;
}

export type Run = (title: string, body: (opened: Opened) => Promise<void>) => void;

export async function open(place: StorePlace): Promise<Opened> {
  const opened: Opened = {
    store: await place.open(),
    epochs: new Map(),
    batch: () => makeBatch(opened.epochs),
    write: (fill) => {
      const batch = opened.batch();
      fill(batch);
      return opened.store.commit(batch);
    },
    reopen: async () => {
      await opened.store.close();
      opened.store = await place.open();
      await claim(opened);
    },
  };
  await claim(opened);
  return opened;
}

export async function claim(opened: Opened): Promise<void> {
  const claims = await opened.store.claim([0, 1, 2, 3], "test");
  opened.epochs = new Map(claims.map(({ partition, epoch }) => [partition, epoch]));
}

export const at = (counter: number, partition = 0): number => makeNumber(counter, partition);

// The conversation outlives a reload: it is kept in this browser, with its traces.

import type { Turn } from "./conversation.ts";

const NAME = "gesso";
const KEY = "turns";

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(NAME);
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser keeps nothing"));
  });
}

/** Turns of the last visit; none where the browser keeps nothing. What was being painted then is stopped. */
export async function loadTurns(): Promise<Turn[]> {
  try {
    const database = await open();
    const turns = ((await settled(database.transaction(NAME).objectStore(NAME).get(KEY))) ?? []) as Turn[];
    return turns.map((turn) =>
      turn.state === "waiting" || turn.state === "painting" ? { ...turn, state: "stopped" } : turn,
    );
  } catch {
    return [];
  }
}

export async function saveTurns(turns: readonly Turn[]): Promise<void> {
  try {
    const database = await open();
    await settled(database.transaction(NAME, "readwrite").objectStore(NAME).put(turns, KEY));
  } catch {
    // A private window: the conversation ends with it.
  }
}

import { useEffect, useState } from 'react';

/** True once `waiting` has lasted `patienceMs`: what is over sooner need not be told. */
export function useLate(waiting: boolean, patienceMs: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!waiting) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), patienceMs);
    return () => clearTimeout(timer);
  }, [waiting, patienceMs]);
  return waiting && late;
}

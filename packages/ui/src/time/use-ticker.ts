import { useEffect, useState } from 'react';
import { nowSeconds } from '../clock.ts';

/** The server's now, renewed every `everySeconds` while `running` and the page is visible; at once when it becomes so. */
export function useTicker(everySeconds: number, running: boolean): number {
  const [now, setNow] = useState(nowSeconds);

  useEffect(() => {
    if (!running) return;
    const tick = () => {
      if (!document.hidden) setNow(nowSeconds());
    };
    tick();
    const timer = setInterval(tick, everySeconds * 1000);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [everySeconds, running]);

  return now;
}

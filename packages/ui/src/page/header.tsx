import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import type { MouseEvent } from 'react';
import { onView as ofView, type PageState, type View, views, writeState } from '../url/page-state.ts';
import styles from './header.module.css';
import { KeyboardIcon, Logo, MoonIcon, SunIcon } from './icons.tsx';

interface HeaderProps {
  readonly state: PageState;
  readonly version: string | undefined;
  /** Alerts firing now, told beside their view's name. */
  readonly firing: number;
  readonly onView: (view: View) => void;
  readonly onHelp: () => void;
}

const titles: Record<View, string> = {
  overview: 'Overview',
  explore: 'Explore',
  targets: 'Targets',
  alerts: 'Alerts',
  status: 'Status',
};

/** Follows the system until pressed once; from then on the reader's choice, kept in this browser. */
function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={`Use ${other} colours`}
      title={`Use ${other} colours`}
      onClick={() => setColorScheme(other)}
    >
      {scheme === 'dark' ? <SunIcon /> : <MoonIcon />}
    </ActionIcon>
  );
}

export function Header({ state, version, firing, onView, onHelp }: HeaderProps) {
  const open = (view: View) => (event: MouseEvent) => {
    // A click with a modifier opens a tab of its own, as every link does.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onView(view);
  };
  return (
    <header className={styles['header']}>
      <div className={styles['inner']}>
        <span className={styles['brand']} title={version === undefined ? 'Tidemark' : `Tidemark ${version}`}>
          <Logo />
          <span className={styles['wordmark']}>Tidemark</span>
        </span>
        <nav className={styles['nav']} aria-label="Views">
          {views.map((view) => (
            <a
              key={view}
              href={`./${writeState(ofView(state, view))}`}
              aria-current={state.view === view ? 'page' : undefined}
              onClick={open(view)}
            >
              {titles[view]}
              {view === 'alerts' && firing > 0 && (
                <span className={styles['firing']} title={`${firing} firing`}>
                  {firing}
                </span>
              )}
            </a>
          ))}
        </nav>
        <span className={styles['tools']}>
          <ActionIcon variant="default" size="lg" aria-label="Keys" title="Keys (?)" onClick={onHelp}>
            <KeyboardIcon />
          </ActionIcon>
          <SchemeToggle />
        </span>
      </div>
    </header>
  );
}

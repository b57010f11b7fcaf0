// The page's few pictures, drawn here: no icon package and nothing to fetch.

interface IconProps {
  readonly path: string;
  readonly filled?: boolean;
}

function Icon({ path, filled = false }: IconProps) {
  return (
    <svg width="18" height="18" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={path}
        fill={filled ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

export const PauseIcon = () => <Icon path="M8 5v14M16 5v14" />;
export const PlayIcon = () => <Icon path="M7 5l12 7-12 7z" filled />;
export const SunIcon = () => (
  <Icon path="M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4" />
);
export const MoonIcon = () => <Icon path="M20.5 14.5A8.5 8.5 0 019.5 3.5a8.5 8.5 0 1011 11z" />;
export const BackIcon = () => <Icon path="M15 5l-7 7 7 7" />;
export const ForwardIcon = () => <Icon path="M9 5l7 7-7 7" />;

/** Three tide lines, the lowest the faintest. */
export function Logo() {
  const wave = 'c3.7 0 3.7-3.5 7.3-3.5s3.7 3.5 7.4 3.5 3.6-3.5 7.3-3.5';
  return (
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="var(--mantine-primary-color-filled)" />
      {[1, 0.7, 0.4].map((opacity, i) => (
        <path
          key={opacity}
          d={`M5 ${12.5 + 6 * i}${wave}`}
          fill="none"
          stroke="#fff"
          strokeOpacity={opacity}
          strokeWidth="2.6"
          strokeLinecap="round"
        />
      ))}
    </svg>
  );
}

export const CloseIcon = () => <Icon path="M6 6l12 12M18 6L6 18" />;
export const PlusIcon = () => <Icon path="M12 5v14M5 12h14" />;
export const CopyIcon = () => <Icon path="M9 9h10v10H9zM5 15V5h10" />;
export const UpIcon = () => <Icon path="M5 15l7-7 7 7" />;
export const DownIcon = () => <Icon path="M5 9l7 7 7-7" />;
export const EyeIcon = () => (
  <Icon path="M2 12s3.6-7 10-7 10 7 10 7-3.6 7-10 7-10-7-10-7zM12 9a3 3 0 100 6 3 3 0 000-6z" />
);
export const EyeOffIcon = () => (
  <Icon path="M3 3l18 18M10 5.2A10 10 0 0112 5c6.4 0 10 7 10 7a18 18 0 01-3 3.9M6.5 6.6A17 17 0 002 12s3.6 7 10 7a9.5 9.5 0 004.2-1" />
);
export const HistoryIcon = () => <Icon path="M3 12a9 9 0 109-9 9 9 0 00-7 3.3L3 8M3 3v5h5M12 7v5l3.5 2" />;
export const LinkIcon = () => (
  <Icon path="M10 14a4 4 0 006 .5l3-3a4 4 0 00-6-6l-1 1M14 10a4 4 0 00-6-.5l-3 3a4 4 0 006 6l1-1" />
);
export const KeyboardIcon = () => <Icon path="M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M7 14h10" />;
export const UnzoomIcon = () => <Icon path="M10 4a6 6 0 100 12 6 6 0 000-12zM15 15l6 6M7.5 10h5" />;

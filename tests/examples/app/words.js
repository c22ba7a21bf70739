export const words = 'first'

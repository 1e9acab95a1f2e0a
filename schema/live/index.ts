/** Every public name of the live API, listed by hand. Anything else is internal and may change. */
export {};
